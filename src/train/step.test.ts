import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { checkpointOf } from '../checkpoint/entries.ts'
import { dim } from '../graph/dim.ts'
import { mean, mul, sub, sum } from '../graph/ops/index.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { linear } from '../nn/linear.ts'
import { chooseEngine } from '../runtime/default-engine.ts'
import { f32, type HostTensor } from '../tensor/tensor.ts'
import { adamW, type Optimizer, sgd } from './optimizer.ts'
import { learningRate } from './schedule.ts'
import { type StepOptions, TrainingStep } from './step.ts'

const checkpoint = checkpointOf(
  'two weights',
  new Map([
    ['head.weight', f32([1, 2], [0.5, -1])],
    ['head.bias', f32([1], [0.25])],
  ]),
)
const compile = { engine: await chooseEngine(), device: 'cpu', threads: 1 } as const

/** Mean squared error of a line through the batch. */
function squaredError(w: Weights): Tensor {
  const error = sub(linear(w.at('head'), input('x', 'f32', [dim('N'), 2])), input('y', 'f32', [dim('N'), 1]))
  return mean(mul(error, error))
}

const batch = { x: f32([2, 2], [1, 2, -3, 0.5]), y: f32([2, 1], [1, -2]) }
const first = { x: f32([1, 2], [1, 2]), y: f32([1, 1], [1]) }
const second = { x: f32([1, 2], [-3, 0.5]), y: f32([1, 1], [-2]) }

/** The gradient of `squaredError` on `batch`, by hand. */
function slopes([a, b, c]: readonly number[]): number[] {
  const errors = [a! + 2 * b! + c! - 1, -3 * a! + 0.5 * b! + c! + 2]
  return [errors[0]! - 3 * errors[1]!, 2 * errors[0]! + 0.5 * errors[1]!, errors[0]! + errors[1]!]
}

function stepOf(options: Partial<StepOptions> & { optimizer: Optimizer }): Promise<TrainingStep> {
  return TrainingStep.compile(checkpoint, squaredError, { groups: [{ match: '*' }], compile, ...options })
}

function weights(step: TrainingStep): number[] {
  return [...step.state.get('head.weight')!.data, ...step.state.get('head.bias')!.data]
}

test('AdamW moves as its formula says, with decay on matrices alone', async () => {
  const step = await stepOf({ optimizer: adamW(), groups: [{ match: '*', weightDecay: 0.1 }] })
  const expected = [0.5, -1, 0.25]
  const [m, v] = [
    [0, 0, 0],
    [0, 0, 0],
  ]
  for (let t = 1; t <= 5; t++) {
    slopes(expected).forEach((g, i) => {
      m[i] = 0.9 * m[i]! + 0.1 * g
      v[i] = 0.999 * v[i]! + 0.001 * g * g
      const decayed = i < 2 ? expected[i]! * (1 - 0.01 * 0.1) : expected[i]!
      const scale = Math.sqrt(v[i]! / (1 - 0.999 ** t)) + 1e-8
      expected[i] = decayed - (0.01 * m[i]!) / (1 - 0.9 ** t) / scale
    })
    await step.run([batch], 0.01)
  }
  closeTo(f32([3], weights(step)), f32([3], expected), { rtol: 1e-5 })
  await step.dispose()
})

test('micro-batches give the update of the whole batch', async () => {
  const whole = await stepOf({ optimizer: sgd({ momentum: 0.9 }), maxNorm: 1 })
  const parts = await stepOf({ optimizer: sgd({ momentum: 0.9 }), maxNorm: 1, microBatches: 2 })
  for (let t = 0; t < 3; t++) {
    const wanted = await whole.run([batch], 0.05)
    const found = await parts.run([first, second], 0.05)
    assert.ok(Math.abs(found.loss - wanted.loss) < 1e-5)
    assert.ok(Math.abs(found.gradientNorm - wanted.gradientNorm) < 1e-5)
  }
  closeTo(f32([3], weights(parts)), f32([3], weights(whole)), {})
  await whole.dispose()
  await parts.dispose()
})

test('a large gradient is scaled to the norm that is allowed', async () => {
  const step = await stepOf({ optimizer: sgd(), maxNorm: 0.5 })
  const before = weights(step)
  const { gradientNorm } = await step.run([batch], 1)
  const moved = Math.hypot(...weights(step).map((value, i) => value - before[i]!))
  assert.ok(gradientNorm > 0.5)
  assert.ok(Math.abs(moved - 0.5) < 1e-5)
  await step.dispose()
})

test('frozen weights stay, and a group of its own rate moves by it', async () => {
  const groups = [
    { match: '*', isTrained: false },
    { match: 'head.bias', rateFactor: 0.1 },
  ]
  const step = await stepOf({ optimizer: sgd(), groups })
  assert.deepEqual([...step.state.keys()], ['head.bias'])
  await step.run([batch], 0.1)
  closeTo(step.state.get('head.bias')!, f32([1], [0.25 - 0.01 * slopes([0.5, -1, 0.25])[2]!]), {})
  await step.dispose()
})

test('a restored state continues to the same bits', async () => {
  const straight = await stepOf({ optimizer: adamW() })
  for (let t = 0; t < 6; t++) await straight.run([batch], 0.01)
  const begun = await stepOf({ optimizer: adamW() })
  for (let t = 0; t < 3; t++) await begun.run([batch], 0.01)
  const resumed = await stepOf({ optimizer: adamW() })
  const saved = new Map<string, HostTensor<'f32'>>(begun.state)
  resumed.restore(saved, begun.step)
  for (let t = 0; t < 3; t++) await resumed.run([batch], 0.01)
  for (const [key, value] of straight.state) assert.deepEqual(resumed.state.get(key), value)
  for (const step of [straight, begun, resumed]) await step.dispose()
})

test('what would train nothing is refused', async () => {
  const refused = (match: string) => stepOf({ optimizer: sgd(), groups: [{ match }] })
  await assert.rejects(refused('tail.*'), { code: 'group-matches-nothing' })
  await assert.rejects(stepOf({ optimizer: sgd(), groups: [{ match: '*', isTrained: false }] }), {
    code: 'nothing-trained',
  })
  await assert.rejects(
    TrainingStep.compile(checkpoint, (w) => sum(w.get('head.tail')), {
      groups: [],
      optimizer: sgd(),
      compile,
    }),
    { code: 'weight-missing' },
  )
})

test('the learning rate rises, falls and ends as transformers counts it', () => {
  const cosine = { schedule: 'cosine', learningRate: 2, steps: 10, warmupSteps: 2 } as const
  assert.deepEqual(
    [1, 2, 3].map((step) => learningRate(step, cosine)),
    [0, 1, 2],
  )
  assert.equal(learningRate(7, cosine), 1)
  const linear = { schedule: 'linear', learningRate: 1, steps: 4 } as const
  assert.deepEqual(
    [1, 2, 3, 4].map((step) => learningRate(step, linear)),
    [1, 0.75, 0.5, 0.25],
  )
  assert.throws(() => learningRate(1, { ...cosine, warmupSteps: 11 }), { code: 'schedule' })
})
