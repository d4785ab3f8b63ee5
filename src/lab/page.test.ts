import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planTiles } from '../tiling/tiling.ts'
import { type armNames, armTiling } from './arms.ts'
import { isCut } from './cut.ts'
import { type Placement, pageCycle, plainPlan, wordPage } from './page.ts'

const tileSize = 224
const page = (index: number, placement: Placement) => wordPage({ seed: 3, index, placement, tileSize })
const indices = [...Array(3 * pageCycle).keys()]

test('every word of a crossed page is cut by the dynamic grid, and none of its clear twin', () => {
  for (const index of indices) {
    const { columns, rows } = plainPlan(page(index, 'crossed').page, tileSize).groups[0]!
    assert.deepEqual(
      [columns, rows],
      [
        [3, 2],
        [2, 3],
        [3, 3],
      ][index % 3],
    )
    for (const placement of ['crossed', 'clear'] as const) {
      const { page: sheet, words } = page(index, placement)
      const cut = words.map(({ box }) => isCut(plainPlan(sheet, tileSize), box))
      assert.ok(
        cut.every((is) => is === (placement === 'crossed')),
        `${placement} page ${index}: ${words.map(({ text }, i) => `${text} ${cut[i]}`)}`,
      )
    }
  }
})

test('a clear page is its crossed twin moved by whole pixels', () => {
  for (const index of [0, 1, 2, 3, 4, 5, 11]) {
    const [crossed, clear] = [page(index, 'crossed'), page(index, 'clear')]
    assert.deepEqual(
      clear.words.map(({ text }) => text),
      crossed.words.map(({ text }) => text),
    )
    const moves = crossed.words.map(({ box }, i) =>
      [0, 1].map((axis) => clear.words[i]!.box[axis]! - box[axis]!),
    )
    for (const move of moves) assert.ok(move.every((by, axis) => Math.abs(by - moves[0]![axis]!) < 1e-9))
    const [dx, dy] = moves[0]!.map(Math.round) as [number, number]
    assert.ok(
      dx === 0 ? Math.abs(dy) < tileSize / 5 : dy === 0 && Math.abs(dx) < tileSize / 2,
      `${dx}, ${dy}`,
    )
    const { width, height } = crossed.page
    const a = crossed.page.ctx.getImageData(0, 0, width, height).data
    const b = clear.page.ctx.getImageData(0, 0, width, height).data
    let different = 0
    for (let y = Math.max(0, -dy); y < Math.min(height, height - dy); y++)
      for (let x = Math.max(0, -dx); x < Math.min(width, width - dx); x++)
        if (a[4 * (y * width + x)] !== b[4 * ((y + dy) * width + x + dx)]) different++
    assert.equal(different, 0)
  }
})

test('words anywhere lie on the page, some across a border and some not', () => {
  const cut = indices.flatMap((index) => {
    const { page: sheet, words } = page(index, 'anywhere')
    for (const { box } of words)
      assert.ok(box[0] >= 0 && box[1] >= 0 && box[2] <= sheet.width && box[3] <= sheet.height, `${box}`)
    return words.map(({ box }) => isCut(plainPlan(sheet, tileSize), box))
  })
  const share = cut.filter(Boolean).length / cut.length
  assert.ok(share > 0.1 && share < 0.7, `${share}`)
})

test('windows that overlap by half cut no word, and MSAC fewer than the dynamic grid', () => {
  const share = (arm: (typeof armNames)[number]) => {
    const cut = indices.flatMap((index) => {
      const { page: sheet, words } = page(index, 'crossed')
      const plan = planTiles(sheet, armTiling(arm, tileSize))
      return words.map(({ box }) => isCut(plan, box))
    })
    return cut.filter(Boolean).length / cut.length
  }
  assert.equal(share('dynamic'), 1)
  assert.equal(share('overlapping'), 0)
  assert.ok(share('msac') < 0.3, `${share('msac')}`)
})
