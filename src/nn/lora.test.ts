import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { compareSlopes, evaluate, feedsFor, inputsFor, randomTensor } from '../../tests/finite-differences.ts'
import { randomWeights } from '../../tests/random-weights.ts'
import { addToLinears, linearMatrices } from '../graph/adapt-linears.ts'
import { add, embedding, gelu, linearProduct, matmul, mul, reshape } from '../graph/ops/index.ts'
import { chooseEngine } from '../runtime/default-engine.ts'
import { Program } from '../runtime/program.ts'
import { f32 } from '../tensor/tensor.ts'
import { linear } from './linear.ts'
import { lowRank } from './lora.ts'

test('a pair adds scale·(x·Aᵀ)·Bᵀ', async () => {
  const [x, a, b] = [f32([1, 3], [1, 2, 3]), f32([1, 3], [1, 0, -1]), f32([2, 1], [5, 7])]
  const y = await evaluate((x, a, b) => lowRank(x!, { a: a!, b: b!, scale: 0.5 }), [x, a, b])
  assert.deepEqual([...y.data], [-5, -7])
})

test('its slopes in x, A and B are those measured', async () => {
  const values = [randomTensor([2, 3, 5], 1), randomTensor([2, 5], 2), randomTensor([4, 2], 3)]
  const slopes = await compareSlopes((x, a, b) => lowRank(x!, { a: a!, b: b!, scale: 1.5 }), values, {
    symbols: [['B', 'T', 5]],
  })
  for (const { place, derived, measured } of slopes)
    assert.ok(Math.abs(derived - measured) < 1e-3 * Math.max(1, Math.abs(measured)), place)
})

test('beside the matrices of a model it computes what merged matrices do', async () => {
  const w = randomWeights({ 'up.weight': [6, 4], 'up.bias': [6], 'down.weight': [4, 6] })
  const values = [randomTensor([3, 4], 1), randomTensor([2, 4], 2), randomTensor([6, 2], 3)]
  const [x, a, b] = inputsFor(values)
  const y = linear(w.at('down'), gelu(linear(w.at('up'), x!)))
  const up = w.get('up.weight')
  const { beside } = addToLinears(
    { beside: y },
    new Map([[up, (x) => lowRank(x, { a: a!, b: b!, scale: 2 })]]),
  )
  const matrix = add(up, mul(matmul(b!, a!), 2))
  const merged = linear(w.at('down'), gelu(linearProduct(x!, matrix, w.get('up.bias'))))
  const compile = { engine: await chooseEngine(), device: 'cpu', threads: 1 } as const
  const program = await Program.compile('lora', { y, beside: beside!, merged }, compile)
  const results = await program.run(feedsFor(values))
  await program.dispose()
  closeTo(results.beside!, results.merged!)
  assert.notDeepEqual(results.beside!.data, results.y!.data)
})

test('an adapter may stand beside matrices of linear layers alone', () => {
  const w = randomWeights({
    ...{ 'fc.weight': [4, 4], 'tied.weight': [4, 4], 'kernel.weight': [4, 4, 1, 1], 'fc.bias': [4] },
  })
  const x = linear(
    w.at('fc'),
    embedding(
      w.get('tied.weight'),
      inputsFor([{ dtype: 'i64', shape: [2], data: new BigInt64Array(2) }])[0]!,
    ),
  )
  const y = linearProduct(linear(w.at('tied'), x), reshape(w.get('kernel.weight'), [4, 4]))
  assert.deepEqual([...linearMatrices([y])], [w.get('fc.weight')])
})
