import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomTensor } from '../../tests/finite-differences.ts'
import { matmul, matmulTransposed, reshape, sub, transposeLast } from '../graph/ops/index.ts'
import { input } from '../graph/tensor.ts'
import { chooseEngine } from '../runtime/default-engine.ts'
import { Program } from '../runtime/program.ts'
import { elementCount, zeros } from '../tensor/tensor.ts'
import { muon } from './muon.ts'
import { stepRate } from './optimizer.ts'

const engine = await chooseEngine()

/** The first step of a matrix of this shape at a rate of 1, times its own transpose: a square of the smaller side. */
async function squaredStep(shape: readonly number[]): Promise<Float32Array> {
  const optimizer = muon()
  const named = (name: string) => input(name, 'f32', shape)
  const value = named('value')
  const matrix = { value, gradient: named('gradient'), slots: { u: named('u') } }
  const updated = optimizer.update({ ...matrix, rate: stepRate, weightDecay: 0 })
  const [rows, columns] = [shape[0]!, elementCount(shape.slice(1))]
  const step = reshape(sub(value, updated.value), [rows, columns])
  const square = rows <= columns ? matmulTransposed(step, step) : matmul(transposeLast(step), step)
  const program = await Program.compile('square', { square }, { engine, device: 'cpu', threads: 1 })
  const none = zeros('f32', shape)
  const feeds = { value: none, gradient: randomTensor(shape, 1), u: none, ...optimizer.feeds(1, 1) }
  const { data } = (await program.run(feeds)).square!
  await program.dispose()
  return data as Float32Array
}

test('a matrix moves as far in every direction, wide, tall or of patches', async () => {
  for (const shape of [
    [6, 20],
    [20, 6],
    [6, 5, 2, 2],
  ]) {
    const square = await squaredStep(shape)
    // The update is orthogonal up to the polynomial's tolerance: singular values from 0.7 to 1.2, as Muon's authors say.
    const scale = 0.2 ** 2 * 20
    for (let i = 0; i < 6; i++) {
      const along = square[i * 6 + i]! / scale
      assert.ok(along > 0.4 && along < 1.5, `${along}`)
      for (let j = 0; j < i; j++) assert.ok(Math.abs(square[i * 6 + j]! / scale) < 0.45)
    }
  }
})

test('embeddings, heads, convolutions and vectors are left to AdamW, but not the embedding of patches', () => {
  const { slotsOf } = muon()
  assert.deepEqual(slotsOf('vision_model.encoder.layers.0.mlp.fc1.weight', [64, 16]), ['u'])
  assert.deepEqual(slotsOf('vision_model.embeddings.patch_embedding.weight', [16, 3, 14, 14]), ['u'])
  for (const [key, shape] of [
    ['language_model.model.tok_embeddings.weight', [64, 16]],
    ['language_model.output.weight', [64, 16]],
    ['vision_model.embeddings.position_embedding', [1, 257, 16]],
    ['stages.0.0.dwconv.weight', [16, 1, 7, 7]],
    ['vision_model.encoder.layers.0.norm1.weight', [16]],
  ] as const)
    assert.deepEqual(slotsOf(key, shape), ['m', 'v'])
})
