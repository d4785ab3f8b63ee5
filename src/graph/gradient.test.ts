import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseEngine } from '../runtime/default-engine.ts'
import { Program } from '../runtime/program.ts'
import type { GraphError } from '../tensor/errors.ts'
import { f32, type HostTensor, i64 } from '../tensor/tensor.ts'
import { dim, subDims } from './dim.ts'
import { gradients } from './gradient.ts'
import { defineOp } from './op.ts'
import {
  add,
  argMax,
  cast,
  embedding,
  exp,
  expand,
  mul,
  paddedEmbedding,
  split,
  stopGradient,
  sum,
} from './ops/index.ts'
import { constant, input, type Tensor, topologicalOrder } from './tensor.ts'

async function slopes(
  loss: Tensor,
  wrt: readonly Tensor[],
  feeds: Record<string, HostTensor>,
): Promise<number[][]> {
  const outputs = Object.fromEntries([...gradients(loss, wrt).entries()].map(([i, d]) => [`d${i}`, d]))
  const program = await Program.compile(
    'gradients',
    { loss, ...outputs },
    { engine: await chooseEngine(), device: 'cpu', threads: 1 },
  )
  const results = await program.run(feeds)
  await program.dispose()
  return wrt.map((_, i) => [...(results[`d${i}`]!.data as Float32Array)])
}

test('a value that is used several times collects the gradients of all its uses', async () => {
  const x = input('x', 'f32', [2])
  const squared = mul(x, x)
  const loss = sum(add(mul(squared, squared), squared)) // x⁴ + x²
  assert.deepEqual(await slopes(loss, [x], { x: f32([2], [1, 2]) }), [[6, 36]])
})

test('with two threads an embedding gets every row of its gradient, however often an id comes', async () => {
  const [V, C, T] = [2, 1024, 4096]
  const ids = Array.from({ length: T }, (_, t) => (t * t) % V)
  const [table, at, factor] = [
    input('table', 'f32', [V, C]),
    input('ids', 'i64', [T]),
    input('w', 'f32', [T, C]),
  ]
  // Small integers, whose sums are exact in any order: what is missing is a row that was lost.
  const factors = Float32Array.from({ length: T * C }, (_, i) => i % 7)
  const expected = new Float32Array(V * C)
  for (let t = 0; t < T; t++) for (let c = 0; c < C; c++) expected[ids[t]! * C + c]! += factors[t * C + c]!
  const [slope] = gradients(sum(mul(embedding(table, at), factor)), [table])
  const engine = await chooseEngine()
  const program = await Program.compile('rows', { slope: slope! }, { engine, device: 'cpu', threads: 2 })
  const feeds = { ids: i64([T], ids), w: f32([T, C], factors) }
  for (let run = 0; run < 5; run++) assert.deepEqual((await program.run(feeds)).slope!.data, expected)
  await program.dispose()
})

test('the gradient of an intermediate value is that at its place', async () => {
  const x = input('x', 'f32', [2])
  const y = mul(x, 3)
  assert.deepEqual(await slopes(sum(mul(y, y)), [y, x], { x: f32([2], [1, 2]) }), [
    [6, 12],
    [18, 36],
  ])
})

test('what the loss does not depend on gets zeros of its shape, rank 0 too', async () => {
  const T = dim('T')
  const x = input('x', 'f32', [T])
  const unused = input('unused', 'f32', [2, T])
  const scale = constant(f32([], [3]))
  assert.deepEqual(
    await slopes(add(sum(x), mul(sum(unused), 0)), [x], {
      x: f32([2], [1, 2]),
      unused: f32([2, 2], [1, 1, 1, 1]),
    }),
    [[1, 1]],
  )
  assert.deepEqual(await slopes(sum(x), [input('other', 'f32', [3, T]), scale], { x: f32([2], [1, 2]) }), [
    [0, 0, 0, 0, 0, 0],
    [0],
  ])
})

test('the gradients of slices that cover an axis are put together without being padded', async () => {
  const x = input('x', 'f32', [2, dim('T')])
  const [a, b, c] = split(x, 1, [1, 2, subDims(dim('T'), 3)]) as [Tensor, Tensor, Tensor]
  const values = { x: f32([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]) }
  const covered = sum(add(sum(mul(b, b)), add(sum(mul(c, 3)), sum(mul(a, 5)))))
  assert.deepEqual(await slopes(covered, [x], values), [[5, 4, 6, 3, 5, 12, 14, 3]])
  const opsOf = (loss: Tensor): string[] =>
    topologicalOrder(gradients(loss, [x])).flatMap(({ source }) =>
      source.kind === 'node' ? source.op.name : [],
    )
  assert.ok(!opsOf(covered).includes('pad'))
  // With a gap, or with another use beside the slices, they are added.
  assert.deepEqual(await slopes(add(sum(a), sum(c)), [x], values), [[1, 0, 0, 1, 1, 0, 0, 1]])
  assert.deepEqual(await slopes(add(covered, sum(x)), [x], values), [[6, 5, 7, 4, 6, 13, 15, 4]])
})

test('no gradient passes through indices, masks, stopGradient or the padding row', async () => {
  const x = input('x', 'f32', [3])
  const place = cast(argMax(x, 0), 'f32')
  assert.deepEqual(await slopes(sum(mul(x, place)), [x], { x: f32([3], [1, 5, 2]) }), [[1, 1, 1]])
  assert.deepEqual(await slopes(sum(mul(x, stopGradient(x))), [x], { x: f32([3], [1, 5, 2]) }), [[1, 5, 2]])
  const table = input('table', 'f32', [3, 1])
  const ids = constant(i64([4], [0, 2, 2, 1]))
  const rows = paddedEmbedding(table, ids, 1)
  assert.deepEqual(await slopes(sum(rows), [table], { table: f32([3, 1], [1, 2, 3]) }), [[1, 0, 2]])
})

test('a chain of 5000 ops does not exhaust the stack', () => {
  const x = input('x', 'f32', [1])
  let y = x
  for (let i = 0; i < 5000; i++) y = exp(y)
  const [dx] = gradients(sum(y), [x])
  assert.ok(topologicalOrder([dx!]).length >= 10_000)
})

test('a loss that is not a scalar is refused', () => {
  const x = input('x', 'f32', [2, dim('T')])
  assert.throws(
    () => gradients(x, [x]),
    (error: GraphError) => {
      assert.equal(error.code, 'loss-not-scalar')
      assert.match(error.message, /\[2, T\]/)
      return true
    },
  )
})

test('an op without a gradient is an error only where a path needs it', () => {
  const opaque = defineOp('opaque', {
    shape: ([x]) => x!.shape,
    onnx: (g, inputs) => g.node('Identity', inputs),
  })
  const [x, y] = [input('x', 'f32', [2]), input('y', 'f32', [2])]
  const loss = sum(mul(opaque([x], {}), y))
  assert.deepEqual(
    gradients(loss, [y]).map((d) => d.shape),
    [[2]],
  )
  assert.throws(() => gradients(loss, [x]), { name: 'GraphError', code: 'no-gradient', message: /opaque/ })
})

test('gradients of stretched values come back in the shape of the value', () => {
  const x = input('x', 'f32', [1, dim('T')])
  assert.deepEqual(gradients(sum(expand(x, [4, 3, dim('T')])), [x])[0]!.shape, x.shape)
})
