import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rgbImage } from '../image/rgb-image.ts'
import { InputError } from '../tensor/errors.ts'
import { mgLlavaFrames, sampledFrames } from './mgllava-frames.ts'

const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const

/** A frame whose columns are 0, 51, 102, … of 255, that is 0, 0.2, 0.4, … */
function columns(width: number, height: number): ReturnType<typeof rgbImage> {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => 51 * (Math.floor(i / 3) % width))
  return rgbImage(width, height, data)
}

test('spreads the frames from the first to the last', () => {
  assert.deepEqual(sampledFrames(19), [0, 2, 5, 7, 10, 12, 15, 18])
  assert.deepEqual(sampledFrames(3, 4), [0, 0, 1, 2])
  assert.deepEqual(sampledFrames(9, 1), [0])
  assert.throws(
    () => sampledFrames(0),
    (error) => error instanceof InputError && error.code === 'video-empty',
  )
})

test('crops the middle, with offsets rounded half to even', () => {
  const options = { highSide: 2, lowSide: 2, padsToSquare: false, normalisation: plain }
  const firstRow = (width: number): number[] => {
    const { high } = mgLlavaFrames([columns(width, 2)], options)
    return [...high.data.subarray(0, 2)].map((value) => Math.round(value * 5))
  }
  assert.deepEqual(firstRow(3), [0, 1]) // offset ½ → 0
  assert.deepEqual(firstRow(5), [2, 3]) // offset 1½ → 2
})

test('pads with the mean colour around the middle', () => {
  const options = { highSide: 4, lowSide: 4, padsToSquare: true, normalisation: plain }
  const { high } = mgLlavaFrames([columns(4, 2), columns(4, 2)], options)
  assert.deepEqual(high.shape, [2, 3, 4, 4])
  const rows = [0, 1, 2, 3].map((y) =>
    [...high.data.subarray(4 * y, 4 * y + 4)].map((v) => Math.round(v * 5)),
  )
  assert.deepEqual(rows, [
    [0, 0, 0, 0],
    [0, 1, 2, 3],
    [0, 1, 2, 3],
    [0, 0, 0, 0],
  ])
})
