import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { filledImage } from '../image/rgb-image.ts'
import { f32 } from '../tensor/tensor.ts'
import { mgLlavaPixels } from './mgllava-pixels.ts'

const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const
const sides = { highSide: 8, lowSide: 4, padsToSquare: true, normalisation: plain }

test('pads with the mean colour and shrinks the large picture for the small one', () => {
  const { high, low } = mgLlavaPixels(filledImage(8, 4, [255, 255, 255]), sides)
  const row = (value: number, width: number): number[] => Array(width).fill(value)
  const grey = Math.fround(122 / 255)
  const rows = (width: number, filled: number): number[] =>
    [grey, 1, 1, grey].flatMap((value) => Array.from({ length: filled }, () => row(value, width)).flat())
  closeTo(f32([8, 8], high.data.subarray(0, 64)), f32([8, 8], rows(8, 2)))
  closeTo(f32([4, 4], low.data.subarray(0, 16)), f32([4, 4], rows(4, 1)))
})

test('the chat code’s mistake leaves a small picture in the middle of a black one', () => {
  const { high } = mgLlavaPixels(filledImage(8, 8, [255, 255, 255]), { ...sides, isChatQuirk: true })
  const lit = [...high.data.subarray(0, 64).keys()].filter((i) => high.data[i] !== 0)
  assert.deepEqual(
    lit,
    [2, 3, 4, 5].flatMap((y) => [2, 3, 4, 5].map((x) => 8 * y + x)),
  )
})
