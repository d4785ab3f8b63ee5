import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomWeights } from '../../tests/random-weights.ts'
import { dim } from '../graph/dim.ts'
import { input } from '../graph/tensor.ts'
import { mlpProjector, mlpProjectorShapes } from './mlp.ts'

test('reads as many layers as the checkpoint has', () => {
  for (const depth of [1, 2, 3]) {
    const shapes = mlpProjectorShapes(4, 6, depth)
    const w = randomWeights(shapes)
    const y = mlpProjector(w, input('x', 'f32', [dim('B'), dim('T'), 4]))
    assert.deepEqual(y.shape.map(String), ['B', 'T', '6'])
    assert.deepEqual([...w.read().keys()], Object.keys(shapes))
    assert.equal(w.read().size, 2 * depth)
  }
})
