import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareSlopes, randomTensor } from '../../tests/finite-differences.ts'
import { randomWeights } from '../../tests/random-weights.ts'
import { full, type Tensor } from '../graph/tensor.ts'
import { resampler, resamplerShapes } from './resampler.ts'

const shapes = resamplerShapes(4, 9, 8)
const w = randomWeights(shapes)
const sample = (tokens: Tensor): Tensor => resampler(w, tokens, { num_heads: 2, ln_eps: 1e-6 })

test('reads exactly its weights and differentiates', async () => {
  const tokens = randomTensor([2, 18, 4], 8)
  for (const { place, derived, measured } of await compareSlopes(sample, [tokens], {
    symbols: [['B', 18, 4]],
  }))
    assert.ok(
      Math.abs(derived - measured) <= 3e-3 + 1e-2 * Math.abs(measured),
      `d/d${place} is ${derived}, measured ${measured}`,
    )
  assert.deepEqual([...w.read().keys()].sort(), Object.keys(shapes).sort())
})

test('refuses tokens that are no whole number of grids', () => {
  assert.throws(() => sample(full([1, 10, 4], 0)), /10 tokens are no multiple of the 9 positions/)
})
