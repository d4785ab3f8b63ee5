import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalisations, toPixelValues } from '../image/normalise.ts'
import { resizeRgb } from '../image/resize.ts'
import { cropRgb, filledImage, rgbImage } from '../image/rgb-image.ts'
import { f32 } from '../tensor/tensor.ts'
import { cutTiles } from './cut.ts'
import { groupPixelValues, pixelValuesInTurns, tilePixelValues } from './pixel-values.ts'
import { scalePixels, splitCrops } from './s2.ts'
import { planTiles } from './tiling.ts'
import { globalView, slidingWindow } from './windows.ts'

/** A picture whose every pixel says where it is. */
const map = rgbImage(
  56,
  28,
  Uint8Array.from({ length: 56 * 28 * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3)
    return [pixel % 56, Math.floor(pixel / 56), 0][i % 3]!
  }),
)

test('cuts row by row without resampling a picture that fits, then the thumbnail', () => {
  const plan = planTiles(map, { strategy: 'dynamic', tileSize: 28 })
  const tiles = cutTiles(map, plan)
  assert.deepEqual(
    tiles.map(({ data }) => [...data.subarray(0, 2)]),
    [
      [0, 0],
      [28, 0],
      [1, 0],
    ],
  )
  assert.deepEqual(tiles[1], cropRgb(map, 28, 0, 28, 28))
  assert.deepEqual(tiles[2], resizeRgb(map, 28, 28))
  assert.deepEqual(tilePixelValues(map, plan, normalisations.clip), toPixelValues(tiles, normalisations.clip))
})

test('refuses a plan made for another size', () => {
  const plan = planTiles({ width: 9, height: 9 }, { strategy: 'single' })
  assert.throws(() => cutTiles(map, plan), { code: 'tiling-size', message: /9×9, but this one is 56×28/ })
})

test('overlapping windows repeat what they share, in the order of the plan', () => {
  const plan = planTiles(map, {
    strategy: 'overlapping',
    tileSize: 28,
    canvas: { width: 56, height: 28 },
    stride: 14,
  })
  const pixels = tilePixelValues(map, plan, normalisations.siglip)
  const canvas = toPixelValues([map], normalisations.siglip)
  const windows = slidingWindow(canvas, 28, 14)
  assert.deepEqual(windows.shape, [3, 3, 28, 28])
  assert.deepEqual(pixels.data.subarray(0, windows.data.length), windows.data)
  assert.deepEqual(pixels.data.subarray(windows.data.length), globalView(canvas, 28).data)
})

test('S2 gives each scale its own crops, from the float picture', () => {
  const plan = planTiles(map, { strategy: 's2', tileSize: 28, scales: [1, 2] })
  const [small, large] = groupPixelValues(map, plan, normalisations.imagenet)
  const base = toPixelValues([resizeRgb(map, 28, 28)], normalisations.imagenet)
  assert.deepEqual(small, base)
  assert.deepEqual(large, splitCrops(scalePixels(base, 56), 2))
  assert.equal(tilePixelValues(map, plan, normalisations.imagenet).shape[0], 5)
  const uneven = planTiles(map, { strategy: 's2', tileSize: 28, scales: [1, 1.5], maxSplitSize: 21 })
  assert.throws(() => tilePixelValues(map, uneven, normalisations.imagenet), { code: 'tiles-size' })
})

test('tiles made one at a time, in turns with the event loop, equal those made together', async () => {
  const noise = rgbImage(
    700,
    600,
    Uint8Array.from({ length: 700 * 600 * 3 }, (_, i) => (i * i) % 251),
  )
  const tilings = [
    { strategy: 'msac', tileSize: 448 },
    { strategy: 's2', tileSize: 28, scales: [1, 2] },
    { strategy: 'anyres' },
  ] as const
  for (const tiling of tilings) {
    const plan = planTiles(noise, tiling)
    const together = tilePixelValues(noise, plan, normalisations.imagenet)
    const pixels = pixelValuesInTurns(noise, plan, normalisations.imagenet)
    const size = together.data.length / plan.tiles.length
    for (const { index } of [...plan.tiles].reverse())
      assert.deepEqual((await pixels(index)).data, together.data.slice(index * size, (index + 1) * size))
  }
})

test('crops of one place stand together, picture by picture', () => {
  const pixels = f32([2, 1, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])
  assert.deepEqual([...splitCrops(pixels, 2).data], [1, 5, 2, 6, 3, 7, 4, 8])
  assert.throws(() => splitCrops(pixels, 3), { code: 'tiling-option' })
  assert.throws(() => slidingWindow(pixels, 3, 1), { code: 'window-size' })
})

test('copes with a single pixel and a line of 100,000', () => {
  const line = filledImage(1, 100_000, [5, 6, 7])
  for (const image of [filledImage(1, 1, [5, 6, 7]), line]) {
    const tiles = cutTiles(image, planTiles(image, { strategy: 'msac', tileSize: 28 }))
    assert.ok(tiles.every(({ data }) => data[0] === 5 && data.length === 28 * 28 * 3))
  }
})
