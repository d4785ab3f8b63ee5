import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { filledImage } from '../image/rgb-image.ts'
import { anyResTokens, NEWLINE } from './any-res-tokens.ts'
import { cutTiles } from './cut.ts'
import { planTiles } from './tiling.ts'

test('the canvas that shows the most of the picture wins, then the one that wastes the least', () => {
  const canvas = (width: number, height: number) =>
    planTiles({ width, height }, { strategy: 'anyres' }).groups[1]!.canvas
  const { width, height, x, y } = canvas(1000, 300)!
  assert.deepEqual([width, height, x, y], [1008, 336, 0, 16]) // 1008 × ⌈302.4⌉ in its middle
  assert.deepEqual([canvas(100, 100)!.width, canvas(100, 100)!.height], [336, 672]) // all show it: the first
})

test('rows run across tiles, padded rows are left out, a newline ends each', () => {
  const plan = planTiles(
    { width: 80, height: 20 },
    { strategy: 'anyres', tileSize: 20, pinpoints: [{ width: 40, height: 40 }] },
  )
  const newline = NEWLINE
  // The map has 4 × 4 patches, of which the picture covers one row: ⌊(4 − 1)/2⌋ = 1 padded row goes on each side.
  assert.deepEqual(anyResTokens(plan, 4, 'spatial_unpad'), [
    ...[0, 1, 2, 3],
    ...[6, 7, 10, 11, newline],
    ...[12, 13, 16, 17, newline],
  ])
  assert.deepEqual(anyResTokens(plan, 4, 'spatial').slice(4, 12), [4, 5, 8, 9, 6, 7, 10, 11])
  assert.deepEqual(anyResTokens(plan, 4, 'flat'), [...Array(20).keys()])
})

test('every patch of a tile comes at most once, whatever the shape', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 3000 }), (width, height) => {
      const plan = planTiles({ width, height }, { strategy: 'anyres', tileSize: 28 })
      const order = anyResTokens(plan, 9, 'spatial_unpad').filter((token) => token !== NEWLINE)
      assert.equal(new Set(order).size, order.length)
      assert.ok(order.every((token) => token < plan.tiles.length * 9))
      assert.deepEqual(order.slice(0, 9), [...Array(9).keys()])
    }),
    { numRuns: 200, seed: 3 },
  )
})

test('a square tile shows the padded picture, or the middle of it', () => {
  const image = filledImage(3, 2, [9, 9, 9])
  const square = { strategy: 'square', tileSize: 3, background: [1, 2, 3] } as const
  const padded = planTiles(image, square)
  assert.deepEqual(padded.tiles[0]!.source, { x0: 0, y0: 0, x1: 3, y1: 2 })
  const [tile] = cutTiles(image, padded)
  assert.deepEqual([...tile!.data.subarray(0, 3)], [9, 9, 9])
  assert.deepEqual([...tile!.data.subarray(18, 21)], [1, 2, 3]) // the odd row goes below
  const cropped = planTiles({ width: 30, height: 10 }, { strategy: 'square', tileSize: 10, fit: 'crop' })
  assert.deepEqual(cropped.tiles[0]!.source, { x0: 10, y0: 0, x1: 20, y1: 10 })
})

test('a shortest edge below the tile leaves black around the picture', () => {
  const image = filledImage(4, 4, [9, 9, 9])
  const plan = planTiles(image, { strategy: 'square', tileSize: 4, shortestEdge: 2 })
  const reds = [...cutTiles(image, plan)[0]!.data].filter((_, i) => i % 3 === 0)
  assert.deepEqual(reds, [0, 0, 0, 0, 0, 9, 9, 0, 0, 9, 9, 0, 0, 0, 0, 0])
})

test('refuses canvases that tiles do not fill', () => {
  const anyres = { strategy: 'anyres', pinpoints: [{ width: 336, height: 500 }] } as const
  assert.throws(() => planTiles({ width: 9, height: 9 }, anyres), {
    code: 'tiling-option',
    message: /multiples of 336/,
  })
  assert.throws(() => planTiles({ width: 9, height: 9 }, { ...anyres, pinpoints: [] }), {
    code: 'tiling-option',
  })
})
