import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { checkpointOf } from '../checkpoint/entries.ts'
import { dim } from '../graph/dim.ts'
import { gelu, linearProduct, reshape } from '../graph/ops/index.ts'
import { input, type Tensor, tap } from '../graph/tensor.ts'
import { Weights } from '../graph/weights.ts'
import { linear } from '../nn/linear.ts'
import { f32, type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { nodeEngine } from './node-engine.ts'
import { type Precision, precisionsOf } from './precision.ts'
import { type CompileOptions, Program } from './program.ts'
import { memoryStore } from './quantised-weights.ts'
import { webEngine } from './web-engine.ts'

const [K, N] = [192, 40]
const cpu = { engine: nodeEngine, device: 'cpu', threads: 1 } as const
const wasm = { engine: webEngine(), device: 'wasm', threads: 1 } as const
const noise = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}
const random = (shape: readonly number[], seed: number): HostTensor<'f32'> =>
  f32(shape, Array.from({ length: shape.reduce((a, b) => a * b) }, noise(seed)))

const weights = new Weights(
  checkpointOf(
    'random',
    new Map<string, HostTensor>([
      ['q.weight', random([N, K], 1)],
      ['q.bias', random([N], 2)],
      ['k.weight', random([N, K], 3)],
      ['router.weight', random([4, K], 4)],
      ['patch.weight', random([N, K / 2, 2], 5)],
      ['down.weight', random([24, N], 6)],
    ]),
  ),
)
const x = input('x', 'f32', [dim('B'), dim('T'), K])

async function run(
  outputs: Record<string, Tensor>,
  feed: HostTensor,
  precision: Precision,
  options: Partial<CompileOptions> = {},
): Promise<Record<string, HostTensor>> {
  const program = await Program.compile('lowered', outputs, {
    ...cpu,
    part: 'decoder',
    precision: precisionsOf(precision),
    ...options,
  })
  const results = await program.run({ x: feed })
  await program.dispose()
  return results
}

/** Root mean square of the difference over that of the expected values. */
function relativeError(
  actual: HostTensor,
  expected: HostTensor,
  from = 0,
  to = expected.data.length,
): number {
  let error = 0
  let size = 0
  for (let i = from; i < to; i++) {
    error += (Number(actual.data[i]) - Number(expected.data[i])) ** 2
    size += Number(expected.data[i]) ** 2
  }
  return Math.sqrt(error / size)
}

for (const backend of [cpu, wasm])
  for (const [precision, rows, bound] of [
    ['int8', 20, 0.01],
    ['int4', 20, 0.15],
    ['int4', 80, 0.01],
  ] as const)
    test(`${precision} at ${rows} rows is near fp32, bias included (${backend.engine.name})`, async () => {
      const outputs = { y: linear(weights.at('q'), x) }
      const feed = random([2, rows / 2, K], 7)
      const exact = await run(outputs, feed, 'fp32')
      const { y } = await run(outputs, feed, precision, backend)
      const error = relativeError(y!, exact.y!)
      assert.ok(error > 0 && error < bound, `relative error ${error}`)
    })

test('a row of outliers does not disturb the others', async () => {
  const outputs = { y: linear(weights.at('q'), x) }
  const feed = random([1, 8, K], 8)
  const spoilt = hostTensor(
    'f32',
    feed.shape,
    feed.data.map((value, i) => (i < K ? value * 1000 : value)),
  )
  const [plain, beside] = [await run(outputs, feed, 'int8'), await run(outputs, spoilt, 'int8')]
  assert.deepEqual([...beside.y!.data.slice(N)], [...plain.y!.data.slice(N)])
})

test('a row of zeros gives the bias alone', async () => {
  const { y } = await run({ y: linear(weights.at('q'), x) }, f32([1, 1, K], new Float32Array(K)), 'int8')
  closeTo(y!, hostTensor('f32', [1, 1, N], random([N], 2).data))
})

test('products that share their input give what they give alone', async () => {
  const feed = random([1, 5, K], 9)
  for (const precision of ['int8', 'int4'] as const) {
    const both = await run({ q: linear(weights.at('q'), x), k: linear(weights.at('k'), x) }, feed, precision)
    for (const name of ['q', 'k']) {
      const alone = await run({ y: linear(weights.at(name), x) }, feed, precision)
      assert.deepEqual(both[name]!.data, alone.y!.data)
    }
  }
})

test('routers and reshaped kernels stay exact', async () => {
  const kernel = reshape(weights.get('patch.weight'), [N, K])
  const outputs = { router: linear(weights.at('router'), x), patch: linearProduct(x, kernel) }
  const feed = random([1, 5, K], 10)
  const [exact, lowered] = [await run(outputs, feed, 'fp32'), await run(outputs, feed, 'int8')]
  assert.deepEqual(lowered, exact)
})

test('values named by tap are those of the lowered graph', async () => {
  const hidden = tap('hidden', gelu(linear(weights.at('q'), x)))
  const outputs = { y: linear(weights.at('down'), hidden) }
  const feed = random([1, 5, K], 11)
  const exact = await run(outputs, feed, 'fp32', { taps: true })
  const lowered = await run(outputs, feed, 'int8', { taps: true })
  const error = relativeError(lowered.hidden!, exact.hidden!)
  assert.ok(error > 0 && error < 0.02, `relative error ${error}`)
})

test('int4 opens one form at a time, or both when asked, and answers alike', async () => {
  const outputs = { y: linear(weights.at('q'), x) }
  const feeds = [random([1, 100, K], 12), random([1, 1, K], 13), random([1, 100, K], 12)]
  const results: HostTensor[][] = []
  for (const keepsBothForms of [false, true]) {
    let open = 0
    let most = 0
    const engine: typeof nodeEngine = {
      ...nodeEngine,
      async open(...given) {
        const session = await nodeEngine.open(...given)
        most = Math.max(most, ++open)
        const dispose = async (): Promise<void> => {
          open--
          await session.dispose()
        }
        return { run: (...args) => session.run(...args), dispose }
      },
    }
    const options = { precision: precisionsOf('int4'), part: 'decoder', quantised: memoryStore() } as const
    const program = await Program.compile('both', outputs, { ...cpu, ...options, engine, keepsBothForms })
    results.push((await Promise.all(feeds.map((feed) => program.run({ x: feed })))).map(({ y }) => y!))
    await program.dispose()
    assert.equal(open, 0)
    assert.equal(most, keepsBothForms ? 2 : 1)
  }
  assert.deepEqual(results[0], results[1])
})

test('a weight that is not finite is refused by name, and precisions that do not exist by theirs', async () => {
  const bad = checkpointOf('bad', new Map([['weight', f32([16, K], Array(16 * K).fill(Number.NaN))]]))
  await assert.rejects(run({ y: linear(new Weights(bad), x) }, random([1, 1, K], 1), 'int8'), {
    code: 'weight-not-finite',
    data: { key: 'weight' },
  })
  assert.throws(() => precisionsOf('int3' as Precision), {
    code: 'option-value',
    message: /fp32, int8, int4/,
  })
  await assert.rejects(
    run({ y: linear(weights.at('q'), x) }, random([1, 1, K], 1), 'int8', { device: 'webgpu' }),
    { code: 'precision-unavailable' },
  )
})
