import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalisations, toPixelValues } from './normalise.ts'
import { meanColour, pad2square } from './pad2square.ts'
import { filledImage, rgbImage } from './rgb-image.ts'

test('puts channels in planes, tile after tile', () => {
  const tiles = [rgbImage(2, 1, Uint8Array.of(0, 51, 102, 153, 204, 255)), filledImage(2, 1, [255, 0, 255])]
  const pixels = toPixelValues(tiles, normalisations.siglip)
  assert.deepEqual(pixels.shape, [2, 3, 1, 2])
  const rounded = [...pixels.data].map((value) => Math.round(value * 10) / 10)
  assert.deepEqual(rounded, [-1, 0.2, -0.6, 0.6, -0.2, 1, 1, 1, -1, -1, 1, 1])
})

test('rounds to float32 after each step', () => {
  const { fround } = Math
  const pixels = toPixelValues([filledImage(1, 1, [200, 0, 0])], normalisations.imagenet)
  assert.equal(pixels.data[0], fround(fround(fround(200 / 255) - fround(0.485)) / fround(0.229)))
})

test('refuses no tile and tiles of different sizes', () => {
  assert.throws(() => toPixelValues([], normalisations.clip), { code: 'tiles-empty' })
  assert.throws(() => toPixelValues([filledImage(1, 1, [0]), filledImage(2, 1, [0])], normalisations.clip), {
    code: 'tiles-size',
    message: /Tile 1 is 2×1, but tile 0 is 1×1/,
  })
})

test('centres on a square of the truncated mean colour, the odd pixel below', () => {
  assert.deepEqual(meanColour(normalisations.imagenet), [123, 116, 103])
  const square = pad2square(filledImage(4, 1, [9, 9, 9]), [1, 2, 3])
  assert.deepEqual([square.width, square.height], [4, 4])
  assert.deepEqual([...square.data.subarray(0, 3)], [1, 2, 3])
  assert.equal(square.data[4 * 3], 9)
  assert.equal(pad2square(square, [0, 0, 0]), square)
})
