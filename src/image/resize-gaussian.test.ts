import { test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { f32 } from '../tensor/tensor.ts'
import { type GaussianResizeOptions, resizeGaussian } from './resize-gaussian.ts'
import { filledImage, type RgbImage, rgbImage } from './rgb-image.ts'

/** Bytes as they are: nothing rescaled, nothing normalised. */
const plain = (side: number, padding = 0): GaussianResizeOptions => ({
  side,
  padding,
  rescale: 1,
  normalisation: { mean: [0, 0, 0], std: [1, 1, 1] },
})

/** A grey picture. */
function grey(width: number, height: number, values: readonly number[]): RgbImage {
  return rgbImage(width, height, Uint8Array.from(values.flatMap((value) => [value, value, value])))
}

/** The red channel of a result, [S, S]. */
function red(image: RgbImage, options: GaussianResizeOptions) {
  const { side } = options
  return f32([side, side], resizeGaussian(image, options).data.subarray(0, side * side))
}

test('enlarges with two taps and mirrors about the outermost pixels', () => {
  // Coordinates −0.25, 0.25, 0.75, 1.25: the first mixes pixels 1 and 0, it is no clamp.
  const axis = [0.25, 0.25, 0.75, 0.75]
  const wanted = axis.flatMap((y) => axis.map((x) => 100 * x + 40 * y))
  closeTo(red(grey(2, 2, [0, 100, 40, 140]), plain(4)), f32([4, 4], wanted))
})

test('keeps a picture of the right size as it is', () => {
  const values = [3, 1, 4, 1, 5, 9, 2, 6, 5]
  closeTo(red(grey(3, 3, values), plain(3)), f32([3, 3], values))
})

test('pads at the bottom and the right', () => {
  closeTo(red(filledImage(2, 1, [8, 8, 8]), plain(2, 3)), f32([2, 2], [8, 8, 3, 3]))
  closeTo(red(filledImage(1, 2, [8, 8, 8]), plain(2, 3)), f32([2, 2], [8, 3, 8, 3]))
})

test('shrinks by 3 with a Gaussian of σ 1, which leaves one colour as it is', () => {
  closeTo(red(filledImage(9, 9, [77, 0, 0]), plain(3)), f32([3, 3], Array(9).fill(77)), { rtol: 1e-6 })
  // A step from 0 to 200 between columns 4 and 5 of 9: the columns read are 1, 4 and 7.
  const weights = [0, 1, 2, 3, 4].map((j) => Math.exp(-0.5 * j * j))
  const total = weights.reduce((sum, w) => sum + w, 0) * 2 - 1
  const above = (from: number) => (200 * weights.slice(from).reduce((sum, w) => sum + w, 0)) / total
  const step = [above(4), above(1), 200 - above(3)]
  const rows = Array.from({ length: 9 }, () => [0, 0, 0, 0, 0, 200, 200, 200, 200]).flat()
  closeTo(red(grey(9, 9, rows), plain(3)), f32([3, 3], [...step, ...step, ...step]), { rtol: 1e-5 })
})

test('normalises each channel after rescaling', () => {
  const image = filledImage(2, 2, [255, 51, 0])
  const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.1, 0.25] } as const
  const pixels = resizeGaussian(image, { side: 1, padding: 0, rescale: 1 / 255, normalisation })
  closeTo(pixels, f32([3, 1, 1], [1, -3, -2]))
})

test('takes a picture of one pixel', () => {
  closeTo(red(filledImage(1, 1, [9, 9, 9]), plain(2)), f32([2, 2], [9, 9, 9, 9]))
})
