import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { compareSlopes, evaluate, randomTensor } from '../../tests/finite-differences.ts'
import type { Dim } from '../graph/dim.ts'
import type { Tensor } from '../graph/tensor.ts'
import { f32 } from '../tensor/tensor.ts'
import { joinWindows, partitionWindows, relativePositionBias, shiftMask } from './windows.ts'

const map = f32([1, 2, 4, 1], [0, 1, 2, 3, 4, 5, 6, 7])

test('a map is cut into windows from left to right, and put back', async () => {
  const cut = (x: Tensor): Tensor => partitionWindows(x, [2, 2])
  closeTo(await evaluate(cut, [map], [['B', 2, 4, 1]]), f32([2, 4, 1], [0, 1, 4, 5, 2, 3, 6, 7]))
  const back = (x: Tensor): Tensor => joinWindows(cut(x), [2, 2], x.shape[0] as Dim, [2, 4])
  closeTo(await evaluate(back, [map], [['B', 2, 4, 1]]), map)
})

test('a clip is cut into boxes of frames, rows and columns', async () => {
  const clip = f32([1, 2, 2, 2, 1], [0, 1, 2, 3, 4, 5, 6, 7])
  const cut = (x: Tensor): Tensor => partitionWindows(x, [2, 1, 2])
  closeTo(await evaluate(cut, [clip]), f32([2, 4, 1], [0, 1, 4, 5, 2, 3, 6, 7]))
  closeTo(await evaluate((x) => joinWindows(cut(x), [2, 1, 2], 1, [2, 2, 2]), [clip]), clip)
})

test('cells that the roll brought together do not see each other', () => {
  // Two windows of a 2×4 map, rolled by one: the last row and column of the map came from its beginning.
  const { shape, data } = shiftMask([2, 4], [2, 2], [1, 1])
  assert.deepEqual(shape, [2, 4, 4])
  const sees = (window: number): string[] =>
    Array.from({ length: 4 }, (_, query) =>
      Array.from(data.subarray((window * 4 + query) * 4, (window * 4 + query) * 4 + 4), (x) =>
        x === 0 ? '+' : '-',
      ).join(''),
    )
  assert.deepEqual(sees(0), ['++--', '++--', '--++', '--++'])
  assert.deepEqual(sees(1), ['+---', '-+--', '--+-', '---+'])
})

test('the bias of a pair of cells is the row of the table for their distance', async () => {
  const table = f32([9, 1], [0, 1, 2, 3, 4, 5, 6, 7, 8])
  const bias = await evaluate((x) => relativePositionBias(x, [2, 2]), [table])
  // A cell to itself is the middle of the table; the first row's query lies left of and above its keys.
  closeTo(bias, f32([1, 4, 4], [4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4]))
  for (const { place, derived, measured } of await compareSlopes(
    (x) => relativePositionBias(x, [2, 2]),
    [randomTensor([9, 2], 1)],
  ))
    assert.ok(Math.abs(derived - measured) <= 2e-3, `d/d${place} is ${derived}, measured ${measured}`)
})
