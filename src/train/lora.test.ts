import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkpointOf } from '../checkpoint/entries.ts'
import { dim } from '../graph/dim.ts'
import { mean, mul, sub } from '../graph/ops/index.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { linear } from '../nn/linear.ts'
import { chooseEngine } from '../runtime/default-engine.ts'
import { f32, type HostTensor } from '../tensor/tensor.ts'
import { moduleOfPair, withPairs } from './lora.ts'
import { sgd } from './optimizer.ts'
import { TrainingStep } from './step.ts'

const checkpoint = checkpointOf(
  'two layers',
  new Map([
    ['layers.0.fc.weight', f32([2, 2], [0.5, -1, 0.25, 1])],
    ['layers.0.fc.bias', f32([2], [0.25, 0])],
    ['layers.1.fc.weight', f32([1, 2], [2, -0.5])],
  ]),
)
const compile = { engine: await chooseEngine(), device: 'cpu', threads: 1 } as const

/** Mean squared error of both layers on the batch. */
function loss(w: Weights): Tensor {
  const hidden = linear(w.at('layers.0.fc'), input('x', 'f32', [dim('N'), 2]))
  const error = sub(linear(w.at('layers.1.fc'), hidden), input('y', 'f32', [dim('N'), 1]))
  return mean(mul(error, error))
}

const batch = { x: f32([2, 2], [1, 2, -3, 0.5]), y: f32([2, 1], [1, -2]) }
const settings = { rank: 1, alpha: 2, targets: ['fc'] }
const none = new Map<string, HostTensor<'f32'>>()

function stepOf(model: Parameters<typeof withPairs>[0], match: readonly string[]): Promise<TrainingStep> {
  return TrainingStep.compile(model.checkpoint, model.loss, {
    groups: [{ match }],
    optimizer: sgd(),
    compile,
  })
}

test('pairs change nothing at first, and are all that a step moves', async () => {
  const adapted = withPairs({ checkpoint, loss }, settings, none, settings.targets, 7)
  assert.deepEqual(adapted.targeted, [
    ...['layers.0.fc.lora_A.weight', 'layers.0.fc.lora_B.weight'],
    ...['layers.1.fc.lora_A.weight', 'layers.1.fc.lora_B.weight'],
  ])
  const plain = await stepOf({ checkpoint, loss }, ['*'])
  const step = await stepOf(adapted, adapted.targeted)
  const [first, before] = [await step.run([batch], 1e-3), await plain.run([batch], 1e-3)]
  assert.equal(first.loss, before.loss)
  assert.deepEqual([...step.state.keys()], adapted.targeted)
  const second = await step.run([batch], 1e-3)
  assert.ok(second.loss < first.loss)
  for (const key of adapted.targeted)
    assert.notDeepEqual(step.state.get(key)!.data, adapted.pairs.get(key)!.data, key)
  await plain.dispose()
  await step.dispose()
})

test('a step by hand: dB = s·dyᵀ·(x·Aᵀ), and A rests while B is zero', async () => {
  const adapted = withPairs({ checkpoint, loss }, settings, none, ['layers.1.fc'], 7)
  const step = await stepOf(adapted, adapted.targeted)
  await step.run([batch], 0.1)
  const [a, b] = adapted.targeted.map((key) => [...step.state.get(key)!.data]) as [number[], number[]]
  assert.deepEqual(a, [...adapted.pairs.get('layers.1.fc.lora_A.weight')!.data])
  const hidden = [
    [0.5 - 2 + 0.25, 0.25 + 2],
    [-1.5 - 0.5 + 0.25, -0.75 + 0.5],
  ] as [number, number][]
  const errors = hidden.map(([h, i], n) => 2 * h - 0.5 * i - batch.y.data[n]!)
  const slope = hidden.reduce((sum, [h, i], n) => sum + errors[n]! * 2 * (h * a[0]! + i * a[1]!), 0)
  assert.ok(Math.abs(b[0]! + 0.1 * slope) < 1e-5)
  await step.dispose()
})

test('A starts evenly in ±1/√in, by the seed and the layer alone; B starts at zero', () => {
  const startOf = (targets: string | readonly string[], seed: number) =>
    withPairs({ checkpoint, loss }, { ...settings, rank: 200 }, none, targets, seed).pairs
  const all = startOf(['fc'], 7)
  const a = all.get('layers.1.fc.lora_A.weight')!.data
  const bound = 1 / Math.sqrt(2)
  assert.ok(a.every((value) => Math.abs(value) <= bound))
  assert.ok(Math.abs(a.reduce((sum, value) => sum + value ** 2, 0) / a.length - bound ** 2 / 3) < 0.02)
  assert.ok(all.get('layers.1.fc.lora_B.weight')!.data.every((value) => value === 0))
  assert.notDeepEqual(all.get('layers.0.fc.lora_A.weight')!.data, a)
  assert.deepEqual(startOf('layers\\.1\\..*', 7).get('layers.1.fc.lora_A.weight')!.data, a)
  assert.notDeepEqual(startOf(['fc'], 8).get('layers.1.fc.lora_A.weight')!.data, a)
})

test('pairs of earlier stages stay, whether a stage names them or not', () => {
  const earlier = withPairs({ checkpoint, loss }, settings, none, ['layers.0.fc'], 7)
  const trained = new Map(
    [...earlier.pairs].map(([key, { shape }]) => [key, f32(shape, shape[0] === 1 ? [3, 4] : [5, 6])]),
  )
  const later = withPairs({ checkpoint, loss }, settings, trained, ['fc'], 7)
  assert.deepEqual([...later.pairs.get('layers.0.fc.lora_A.weight')!.data], [3, 4])
  const unnamed = withPairs({ checkpoint, loss }, settings, trained, undefined, 7)
  assert.deepEqual(unnamed.targeted, [])
  assert.deepEqual([...unnamed.pairs.keys()].map(moduleOfPair), ['layers.0.fc', 'layers.0.fc'])
})

test('a target that names no linear layer is told with those that there are', () => {
  for (const targets of [['fc', 'layers.0'], 'fc'])
    assert.throws(() => withPairs({ checkpoint, loss }, settings, none, targets, 7), {
      code: 'lora-matches-nothing',
      message: /layers\.\{0\.\.1\}\.fc/,
    })
})
