import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { randomTensor } from '../../tests/finite-differences.ts'
import { attention, mergeHeads, splitHeads } from '../nn/attention.ts'
import { nodeEngine } from '../runtime/node-engine.ts'
import { Program } from '../runtime/program.ts'
import { webEngine } from '../runtime/web-engine.ts'
import { dim } from './dim.ts'
import { fuseAttention } from './fuse-attention.ts'
import { gradients } from './gradient.ts'
import { sum } from './ops/index.ts'
import { input, type Node, type Tensor, tap, topologicalOrder } from './tensor.ts'

const [heads, width] = [3, 24]
const [q, k, v] = ['q', 'k', 'v'].map((name) =>
  splitHeads(input(name, 'f32', [dim('B'), dim('T'), width]), heads),
) as [Tensor, Tensor, Tensor]

const opsOf = (outputs: Record<string, Tensor>): string[] =>
  topologicalOrder(Object.values(outputs)).flatMap(({ source }) =>
    source.kind === 'node' ? [source.op.name] : [],
  )

test('attention over heads becomes one op', () => {
  assert.deepEqual(opsOf(fuseAttention({ y: mergeHeads(attention(q, k, v)) })), ['multiHeadAttention'])
})

test('attention whose product is asked for, or whose heads are not joined, stays', () => {
  for (const y of [mergeHeads(tap('heads', attention(q, k, v))), attention(q, k, v)])
    assert.ok(!opsOf(fuseAttention({ y })).includes('multiHeadAttention'))
})

test('attention whose gradient is taken, or whose weights are an output, stays', () => {
  const y = mergeHeads(attention(q, k, v))
  const [dv] = gradients(sum(y), [v])
  const product = (y.source as Node).inputs[0]!.source as Node
  const weights = (product.inputs[0]!.source as Node).inputs[0]!
  for (const outputs of [
    { y, dv: dv! },
    { y, weights },
  ])
    assert.ok(!opsOf(fuseAttention(outputs)).includes('multiHeadAttention'))
})

test('the fused attention (CPU) gives what the plain one (WebAssembly) gives', async () => {
  const outputs = { y: mergeHeads(attention(q, k, v)) }
  const feeds = {
    q: randomTensor([2, 70, width], 1),
    k: randomTensor([2, 70, width], 2),
    v: randomTensor([2, 70, width], 3),
  }
  const results = []
  for (const backend of [
    { engine: nodeEngine, device: 'cpu' },
    { engine: webEngine(), device: 'wasm' },
  ] as const) {
    const program = await Program.compile('attention', outputs, { ...backend, threads: 1 })
    results.push((await program.run(feeds)).y!)
    await program.dispose()
  }
  closeTo(results[0]!, results[1]!, { atol: 1e-6 })
})
