import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { compareSlopes, evaluate, randomTensor } from '../../tests/finite-differences.ts'
import type { Tensor } from '../graph/tensor.ts'
import { pixelShuffle } from '../projectors/internvl.ts'
import { f32, type HostTensor } from '../tensor/tensor.ts'
import { positionTable } from './position-table.ts'
import {
  antialiasBicubicWeights,
  areaWeights,
  bicubicWeights,
  bilinearWeights,
  resizeMaps,
} from './resize.ts'

const square = f32([1, 2, 2], [1, 2, 3, 4])
// The output that the documentation of torch.nn.Upsample(scale_factor=2, mode='bicubic') prints for this square.
const upsampled = [
  0.6836, 1.0156, 1.5625, 1.8945, 1.3477, 1.6797, 2.2266, 2.5586, 2.4414, 2.7734, 3.3203, 3.6523, 3.1055,
  3.4375, 3.9844, 4.3164,
]

test('bicubic resizing agrees with PyTorch', async () => {
  const grow = (x: Tensor): Tensor => resizeMaps(x, 4, 4, bicubicWeights)
  closeTo(await evaluate(grow, [square], [['C', 2, 2]]), f32([1, 4, 4], upsampled), { atol: 6e-5 })
  await slopesAgree(grow, [square])
})

test('each row of the bicubic weights sums to one', () => {
  for (const [from, to] of [
    [16, 7],
    [3, 11],
    [5, 5],
  ] as const) {
    for (const weights of [bicubicWeights, antialiasBicubicWeights]) {
      const { data } = weights(from, to)
      for (let row = 0; row < to; row++) {
        const total = data.subarray(row * from, (row + 1) * from).reduce((a, b) => a + b)
        assert.ok(Math.abs(total - 1) < 1e-6, `${weights.name} ${from} → ${to}, row ${row}: ${total}`)
      }
    }
  }
})

test('area resizing averages the cells that each new one touches', async () => {
  const third = 1 / 3
  closeTo(areaWeights(5, 2), f32([2, 5], [third, third, third, 0, 0, 0, 0, third, third, third]))
  const shrink = (x: Tensor): Tensor => resizeMaps(x, 1, 2, areaWeights)
  closeTo(await evaluate(shrink, [f32([2, 4], [1, 2, 3, 4, 5, 6, 7, 8])]), f32([1, 2], [3.5, 5.5]))
})

test('a position table of the right size is taken as it is', async () => {
  const table = randomTensor([1, 5, 3], 1)
  closeTo(await evaluate((x) => positionTable(x, 2, 2, bicubicWeights), [table]), table)
})

test('another grid gets resized patch positions behind the unchanged class position', async () => {
  const table = f32([1, 5, 1], [9, 1, 2, 3, 4])
  const resized = await evaluate((x) => positionTable(x, 4, 4, bicubicWeights), [table])
  closeTo(resized, f32([1, 17, 1], [9, ...upsampled]), { atol: 6e-5 })
  await slopesAgree((x) => positionTable(x, 3, 1, bicubicWeights), [randomTensor([1, 5, 2], 1)])
})

const grid = f32([1, 4, 4, 1], [...Array(16).keys()])

test('pixel shuffle v2 folds 2×2 blocks in row-major order', async () => {
  const fold = (x: Tensor): Tensor => pixelShuffle(x, { downsample_ratio: 0.5, ps_version: 'v2' })
  const blocks = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]
  closeTo(await evaluate(fold, [grid], [['N', 4, 4, 1]]), f32([1, 2, 2, 4], blocks))
  await slopesAgree(fold, [randomTensor([2, 2, 4, 3], 1)])
})

test('pixel shuffle v1 leaves the grid of blocks transposed', async () => {
  const fold = (x: Tensor): Tensor => pixelShuffle(x, { downsample_ratio: 0.5, ps_version: 'v1' })
  const blocks = [0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15]
  closeTo(await evaluate(fold, [grid], [['N', 4, 4, 1]]), f32([1, 2, 2, 4], blocks))
})

async function slopesAgree(run: (x: Tensor) => Tensor, values: readonly HostTensor[]): Promise<void> {
  for (const { place, derived, measured } of await compareSlopes(run, values))
    assert.ok(Math.abs(derived - measured) <= 2e-3, `d/d${place} is ${derived}, measured ${measured}`)
}

test('bilinear resizing agrees with PyTorch', async () => {
  const grow = (x: Tensor): Tensor => resizeMaps(x, 4, 4, bilinearWeights)
  // The output that the documentation of torch.nn.Upsample(scale_factor=2, mode='bilinear') prints for this square.
  const expected = [1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4]
  closeTo(await evaluate(grow, [square], [['C', 2, 2]]), f32([1, 4, 4], expected))
  closeTo(bilinearWeights(5, 2), f32([2, 5], [0.25, 0.75, 0, 0, 0, 0, 0, 0, 0.75, 0.25]))
})
