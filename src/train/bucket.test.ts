import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from '../generate/random.ts'
import { StageSamples } from './batches.ts'
import { bucketed } from './bucket.ts'
import { parseRecipe } from './recipe.ts'

/** Positions of batches that are padded to their longest sample. */
function positions(batches: readonly (readonly number[])[], lengths: readonly number[]): number {
  return batches.reduce((sum, batch) => sum + batch.length * Math.max(...batch.map((at) => lengths[at]!)), 0)
}

test('batches of near lengths, in an order by chance, each in the order its samples were drawn', () => {
  const lengths = [90, 10, 20, 80, 11, 85, 21, 12, 95]
  const batches = bucketed(lengths, 3, seededRandom(1))
  assert.deepEqual([...batches].sort(), [
    [0, 5, 8],
    [1, 4, 7],
    [2, 3, 6],
  ])
  const orders = new Set([1, 2, 3, 4, 5].map((seed) => bucketed(lengths, 3, seededRandom(seed)).join(' ')))
  assert.ok(orders.size > 1)
})

test('every sample of a window is used once, and a tenfold spread of lengths loses most of its padding', () => {
  const random = seededRandom(5)
  const lengths = Array.from({ length: 128 }, () => Math.floor(100 * 10 ** random()))
  const batches = bucketed(lengths, 16, random)
  assert.deepEqual(
    batches.flat().sort((a, b) => a - b),
    [...lengths.keys()],
  )
  const real = lengths.reduce((sum, length) => sum + length, 0)
  const drawn = Array.from({ length: 8 }, (_, i) => Array.from({ length: 16 }, (_, j) => 16 * i + j))
  const [before, after] = [positions(drawn, lengths) - real, positions(batches, lengths) - real]
  assert.ok(after < before / 3, `${before} padded positions became ${after}`)
})

test('a window of one batch is that batch as it was drawn', () => {
  assert.deepEqual(bucketed([5, 1, 3], 3, seededRandom(0)), [[0, 1, 2]])
})

test('windows are the same from any micro-batch on, and end with the stage', async () => {
  const path = resolve(import.meta.dirname, '../../tests/fixtures/train/recipe.yaml')
  const { stages } = parseRecipe(
    `{ model: m, output: o, stages: [{ name: s, steps: 5, microBatches: 2, batchSize: 2, bucketBatches: 4,
       learningRate: 1, train: [{ match: '*' }], data: [{ path: data.jsonl }] }] }`,
    path,
  )
  const samples = await StageSamples.open(stages[0]!)
  try {
    const all = [...samples.windows(7, 0)]
    assert.deepEqual(
      all.map(({ draws }) => draws.length),
      [8, 8, 4],
    )
    for (let first = 0; first < samples.batches; first++) {
      const [window, ...later] = samples.windows(7, first)
      assert.deepEqual(window, { ...all[Math.floor(first / 4)]!, usedBatches: first % 4 })
      assert.deepEqual(later, all.slice(Math.floor(first / 4) + 1))
    }
  } finally {
    await samples.close()
  }
})
