import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeTo } from '../../tests/close-to.ts'
import { compareSlopes, evaluate, randomTensor } from '../../tests/finite-differences.ts'
import { concat, mean, roiAlign } from '../graph/ops/index.ts'
import { constant, type Tensor } from '../graph/tensor.ts'
import { f32, i64 } from '../tensor/tensor.ts'
import { bilinearWeights, resizeMaps } from './resize.ts'
import { meanWeights, roiMeans, roiMeanWeights } from './roi-mean.ts'

const options = { pictureSide: 96, cells: 7 }
const boxes: [number, number, number, number][][] = [
  [
    [0, 0, 96, 96],
    [3, 10, 4, 90],
    [0, 0, 0, 0],
  ],
  [[50, 61, 96, 96]],
]
const stages = [
  randomTensor([2, 2, 24, 24], 1),
  randomTensor([2, 3, 12, 12], 2),
  randomTensor([2, 4, 6, 6], 3),
]
const weights = roiMeanWeights(boxes, [24, 12, 6], options)
const means = (...maps: Tensor[]): Tensor =>
  roiMeans(
    maps,
    weights.map(({ rows, columns }) => ({ rows: constant(rows), columns: constant(columns) })),
  )

test('equals the mean of RoIAlign over the resized and concatenated stages', async () => {
  const flat = boxes.flat()
  const slow = (...maps: Tensor[]): Tensor => {
    const joined = concat(
      maps.map((map) => resizeMaps(map, 24, 24, bilinearWeights)),
      1,
    )
    const attributes = { outputSize: [7, 7], spatialScale: 0.25, samplingRatio: 0, aligned: false } as const
    const grids = roiAlign(
      joined,
      constant(f32([4, 4], flat.flat())),
      constant(i64([4], [0, 0, 0, 1])),
      attributes,
    )
    return mean(grids, [2, 3])
  }
  const expected = await evaluate(slow, stages)
  const found = await evaluate(means, stages)
  assert.deepEqual(found.shape, [2, 3, 9])
  const rows = [0, 1, 2, 3].map((i) => found.data.slice(9 * i, 9 * i + 9) as Float32Array)
  closeTo(
    f32(
      [4, 9],
      rows.flatMap((row) => [...row]),
    ),
    expected as typeof found,
    { atol: 2e-6 },
  )
  assert.ok(
    found.data.slice(36).every((value) => value === 0),
    'rows that only pad are zero',
  )
})

test('differentiates with respect to every stage', async () => {
  for (const { place, derived, measured } of await compareSlopes(means, stages))
    assert.ok(Math.abs(derived - measured) <= 1e-3, `d/d${place} is ${derived}, measured ${measured}`)
})

test('the weights of a box inside the picture are not negative and sum to one', () => {
  const start = fc.double({ min: 0, max: 91, noNaN: true })
  const extent = fc.double({ min: 0, max: 96, noNaN: true })
  fc.assert(
    fc.property(start, extent, fc.constantFrom(7, 56), (low, length, cells) => {
      const weights = meanWeights(low, Math.min(96, low + length), 24, 0.25, cells)
      assert.ok(weights.every((value) => value >= 0))
      assert.ok(Math.abs(weights.reduce((x, y) => x + y) - 1) < 1e-9)
    }),
  )
})

test('a box without extent reads one cell of the map, the part of it that lies outside as zeros', () => {
  assert.deepEqual([...meanWeights(8, 8, 4, 0.25, 2)], [0, 0, 0.5, 0.5])
  assert.deepEqual([...meanWeights(16, 16, 4, 0.25, 2)], [0, 0, 0, 0])
})

test('no box gives no rows', () => {
  assert.deepEqual(roiMeanWeights([[]], [4], options)[0]!.rows.shape, [1, 0, 4])
})
