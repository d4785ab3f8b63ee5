import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KnownModel, knownModels } from '../scripts/known-models.ts'
import { elementCount } from '../src/tensor/tensor.ts'

/** Parameters in billions, the parts that are published apart included. */
function billions({ shapes, parts = {} }: KnownModel): number {
  const own = Object.values(shapes).reduce((sum, shape) => sum + elementCount(shape), 0) / 1e9
  return Object.values(parts).reduce((sum, part) => sum + billions(part), own)
}

test('made-up checkpoints have as many parameters as the published ones', () => {
  // By the published configurations and model cards; MG-LLaVA’s paper says 7.4 B and 13.6 B.
  const published = {
    'internvl2-2b': 2.21,
    'llava-1.5-7b': 7.06,
    'llava-1.5-13b': 13.35,
    'mg-llava-vicuna-7b': 7.3,
    'mg-llava-vicuna-13b': 13.6,
    'owlv2-large': 0.44,
  }
  for (const [name, expected] of Object.entries(published)) {
    const found = billions(knownModels[name]!())
    assert.ok(Math.abs(found - expected) < 0.006, `${name} has ${found} billion parameters`)
  }
})
