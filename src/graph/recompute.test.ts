import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomTensor } from '../../tests/finite-differences.ts'
import { chooseEngine } from '../runtime/default-engine.ts'
import type { NamedTensors } from '../runtime/engine.ts'
import { Program } from '../runtime/program.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import { gradients } from './gradient.ts'
import { markLayer } from './layer.ts'
import { add, gelu, layerNormalise, linearProduct, mul, sum } from './ops/index.ts'
import { rewrite } from './rewrite.ts'
import { input, type Tensor, tap, tapName, topologicalOrder } from './tensor.ts'

/** A tower of residual layers that are wide inside: 32 values a token between them, 2,048 within. */
const [layers, tokens, width, inner] = [20, 1024, 32, 2048]

/** Its loss, the weights' tensors and their values. */
function tower(depth = layers): { loss: Tensor; weights: Tensor[]; feeds: Record<string, HostTensor> } {
  const feeds: Record<string, HostTensor> = { x: randomTensor([tokens, width], 1) }
  const weights: Tensor[] = []
  const weight = (name: string, shape: number[]): Tensor => {
    feeds[name] = randomTensor(shape, weights.length + 2, -0.2, 0.2)
    weights.push(input(name, 'f32', shape))
    return weights.at(-1)!
  }
  let x = input('x', 'f32', [tokens, width])
  for (let i = 0; i < depth; i++) {
    const normed = layerNormalise(x, weight(`scale ${i}`, [width]), undefined, 1e-5)
    const wide = tap(`wide ${i}`, gelu(linearProduct(normed, weight(`up ${i}`, [inner, width]))))
    x = markLayer(x, add(x, linearProduct(wide, weight(`down ${i}`, [width, inner]))))
  }
  return { loss: sum(mul(x, x)), weights, feeds }
}

/** The gradients of the tower, and the bytes by which computing them raised the peak of the process. */
async function run(recompute: 'layers' | undefined): Promise<{ values: NamedTensors; grown: number }> {
  const { loss, weights, feeds } = tower()
  const slopes = gradients(loss, weights, { recompute })
  const outputs = Object.fromEntries(slopes.map((slope, i) => [`slope ${i}`, slope]))
  const compile = { engine: await chooseEngine(), device: 'cpu', threads: 1 } as const
  const program = await Program.compile('tower', { loss, ...outputs }, compile)
  const before = process.resourceUsage().maxRSS
  const values = await program.run(feeds)
  await program.dispose()
  return { values, grown: (process.resourceUsage().maxRSS - before) * 1024 }
}

test('layers that are computed again give the same gradients in the memory of one', async () => {
  // The one that needs less goes first, since the peak of a process never falls.
  const again = await run('layers')
  const held = await run(undefined)
  assert.deepEqual(again.values, held.values)
  const inside = tokens * inner * 4
  // What gelu is made of, and the products around it, are several values of that size.
  assert.ok(held.grown > (layers - 4) * inside, `${held.grown} bytes without recomputation`)
  assert.ok(again.grown < held.grown / 2, `${again.grown} bytes with recomputation, ${held.grown} without`)
})

test('the inside of a layer is read again behind the gradients of all layers above', () => {
  const { loss, weights } = tower(2)
  const slopes = gradients(loss, weights, { recompute: 'layers' })
  const wide = new Set(topologicalOrder([loss]).filter((x) => tapName(x)?.startsWith('wide')))
  const forward = new Set(topologicalOrder([loss]))
  const backward = topologicalOrder(slopes).filter((x) => !forward.has(x))
  const reads = backward.filter(
    ({ source }) => source.kind === 'node' && source.inputs.some((x) => wide.has(x)),
  )
  assert.deepEqual(reads, [])
  // The first layer's second computation waits for every gradient of the second layer's weights.
  const [, lower] = backward.filter(({ source }) => source.kind === 'node' && source.op.name === 'after')
  const above = new Set(topologicalOrder([lower!]))
  assert.ok(slopes.slice(3).every((slope) => above.has(slope)))
})

test('a rewritten graph keeps its layers', () => {
  const { loss, weights } = tower(1)
  const { copy } = rewrite({ copy: loss }, (node, original) =>
    node.op.name === 'linear' ? mul({ ...original, source: node }, 2) : undefined,
  )
  const [slope] = gradients(copy!, [weights[1]!], { recompute: 'layers' })
  const names = topologicalOrder([slope!]).map(({ source }) => source.kind === 'node' && source.op.name)
  assert.ok(names.includes('after'))
})
