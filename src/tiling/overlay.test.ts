import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeImage } from '../image/decode.ts'
import { filledImage } from '../image/rgb-image.ts'
import { drawTiling } from './draw.ts'
import { tilingOverlay } from './overlay.ts'
import { planTiles } from './tiling.ts'

test('draws text as outlines, so that no font is needed', () => {
  const plan = planTiles({ width: 1600, height: 1200 }, { strategy: 'msac' })
  const { svg, pictures } = tilingOverlay(plan, { title: 'Ünknown <letters> & signs' })
  assert.doesNotMatch(svg, /<text|font|letters/)
  assert.equal(pictures.length, 3)
})

test('outlines every tile twice and numbers it once', () => {
  const plan = planTiles({ width: 1600, height: 1200 }, { strategy: 'dynamic' })
  const { svg } = tilingOverlay(plan)
  assert.equal(svg.match(/<rect/g)?.length, 13 * 3)
})

test('paints the cuts over the picture, whatever its shape', async () => {
  for (const [width, height] of [
    [1600, 1200],
    [600, 2400],
    [40, 30],
    [1, 3000],
  ] as const) {
    const image = filledImage(width, height, [10, 20, 30])
    const plan = planTiles(image, { strategy: 'msac', tileSize: 28 })
    const overlay = tilingOverlay(plan)
    const drawn = (await decodeImage(await drawTiling(image, plan))).image
    assert.deepEqual([drawn.width, drawn.height], [overlay.width, overlay.height])
    const { x, y } = overlay.pictures[0]!
    const corner = drawn.data.subarray((y * drawn.width + x + 4) * 3).subarray(0, 3)
    assert.deepEqual([...corner], [209, 67, 31]) // the detailed group's red
  }
})
