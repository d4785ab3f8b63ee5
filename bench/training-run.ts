import { parseArgs } from 'node:util'
import { folderSource } from '../src/checkpoint/folder.ts'
import { gradients } from '../src/graph/gradient.ts'
import { matmul } from '../src/graph/ops/index.ts'
import { input } from '../src/graph/tensor.ts'
import { Weights } from '../src/graph/weights.ts'
import { workOf } from '../src/graph/work.ts'
import { chooseEngine } from '../src/runtime/default-engine.ts'
import { type CompileOptions, Program } from '../src/runtime/program.ts'
import { readModel } from '../src/systems/read-model.ts'
import type { HostTensor } from '../src/tensor/tensor.ts'
import { f32 } from '../src/tensor/tensor.ts'
import { adamW } from '../src/train/optimizer.ts'
import type { PreparedBatch } from '../src/train/prepare-worker.ts'
import { Preparer } from '../src/train/preparer.ts'
import { parseRecipe } from '../src/train/recipe.ts'
import { TrainingStep } from '../src/train/step.ts'
import { openTask, type SampleOptions } from '../src/train/task.ts'

/**
 * `node bench/training-run.ts --model DIR --batch 16 --steps 6 --threads 2 [--recompute] [--alongside]`: trains all weights for
 * some steps on batches of drawn pictures that are ready, with `--alongside` for as many again while they are drawn, and
 * prints a row of `bench/training.ts` as JSON. In a process of its own, whose peak memory is then the row's.
 */
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    batch: { type: 'string', default: '16' },
    steps: { type: 'string', default: '6' },
    threads: { type: 'string', default: '2' },
    recompute: { type: 'boolean', default: false },
    alongside: { type: 'boolean', default: false },
  },
})
const folder = values.model!
const compile: CompileOptions = {
  ...{ engine: await chooseEngine(), device: 'cpu', threads: Number(values.threads) },
}
const steps = Number(values.steps)
/** Steps until a worker that has just started is as far ahead as it gets. */
const ahead = 5
const recipe = parseRecipe(
  `
model: ${folder}
output: none
stages:
  - name: bench
    steps: ${2 * ahead + steps}
    batchSize: ${values.batch}
    learningRate: 1e-4
    maxNorm: 1
    ${values.recompute ? 'recompute: layers' : ''}
    train: [{ match: '*' }]
    data: [{ synthetic: { kinds: [receipt, form, table], questions: 4 } }]
    tiling: { strategy: single }
    maxLength: 512
`,
  'bench.yaml',
)
const [stage] = recipe.stages
const options: SampleOptions = { tiling: { strategy: 'single' }, maxLength: stage!.maxLength }
const source = await folderSource(folder)
const { config, checkpoint } = await readModel(source)
const findModel = (id: string): never => {
  throw new Error(`There is no ${id}.`)
}
const task = await openTask({ source, config, checkpoint, findModel }, options)
const peakGflops = await measuredPeak()
const step = await TrainingStep.compile(task.checkpoint, (w) => task.loss(w), {
  groups: [{ match: '*' }],
  optimizer: adamW(),
  maxNorm: 1,
  recompute: stage!.recompute,
  compile,
})
const workOfBatch = countedWork()
const ready: PreparedBatch[] = []
await withBatches(2, async (next) => {
  while (ready.length < 2) ready.push(await next())
})
for (const { feeds } of ready) await step.run([feeds], 1e-4) // memory is taken, pages are touched
const computed: Taken[] = []
for (let i = 0; i < steps; i++) computed.push(await taken(async () => ready[i % 2]!))
// Batches of other lengths, which follow, would add to it.
const peakMemoryBytes = process.resourceUsage().maxRSS * 1024
const alongside: Taken[] = []
if (values.alongside)
  // More than are used, so that it draws to the end.
  await withBatches(2 * ahead + steps, async (next) => {
    for (let i = 0; i < ahead; i++) await taken(next)
    while (alongside.length < steps) alongside.push(await taken(next))
  })
const row: TrainingRow = {
  parameters: step.trained.reduce((total, { key }) => total + step.state.get(key)!.data.length, 0),
  ...summary(computed),
  ...(values.alongside && { alongside: summary(alongside) }),
  peakGflops: Math.max(peakGflops, await measuredPeak()),
  peakMemoryBytes,
}
process.stdout.write(`${JSON.stringify(row)}\n`)
await step.dispose()

/** Medians and sums over some steps. */
interface Summary {
  readonly secondsPerStep: number
  /** Of all threads. */
  readonly processorSecondsPerStep: number
  readonly tokensPerSecond: number
  /** Of positions, those that are no padding. */
  readonly realShare: number
  /** 10⁹ operations a second while the engine computes. */
  readonly gflops: number
  /** Of the time, what was spent waiting for a batch. */
  readonly waitedShare: number
}

/** What `bench/training.ts` prints of a run. */
export interface TrainingRow extends Summary {
  readonly parameters: number
  /** The same while the worker draws the next pictures. */
  readonly alongside?: Summary
  readonly peakGflops: number
  readonly peakMemoryBytes: number
}

interface Taken extends Record<'seconds' | 'processorSeconds' | 'waitedSeconds', number> {
  readonly tokens: number
  readonly realTokens: number
  readonly gflop: number
}

async function withBatches(
  count: number,
  use: (next: () => Promise<PreparedBatch>) => Promise<void>,
): Promise<void> {
  const preparer = new Preparer({ folder, options, stage: stage!, seed: 0, firstBatch: 0 }, count)
  await use(() => preparer.next())
  await preparer.close()
}

/** Takes a step. */
async function taken(next: () => Promise<PreparedBatch>): Promise<Taken> {
  const [began, used] = [performance.now(), process.cpuUsage()]
  const { feeds, realTokens } = await next()
  const waitedSeconds = (performance.now() - began) / 1000
  await step.run([feeds], 1e-4)
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(used)
  process.stderr.write(`a step: ${seconds.toFixed(2)} s\n`)
  const counts = { tokens: feeds.ids!.data.length, realTokens, gflop: workOfBatch(feeds) }
  return { seconds, processorSeconds: (user + system) / 1e6, waitedSeconds, ...counts }
}

function summary(steps: readonly Taken[]): Summary {
  const sum = (name: keyof Taken): number => steps.reduce((total, one) => total + one[name], 0)
  const median = (name: keyof Taken): number =>
    steps.map((one) => one[name]).toSorted((a, b) => a - b)[steps.length >> 1]!
  return {
    secondsPerStep: median('seconds'),
    processorSecondsPerStep: median('processorSeconds'),
    tokensPerSecond: sum('tokens') / sum('seconds'),
    realShare: sum('realTokens') / sum('tokens'),
    gflops: sum('gflop') / (sum('seconds') - sum('waitedSeconds')),
    waitedShare: sum('waitedSeconds') / sum('seconds'),
  }
}

/** Floating-point operations of a training step without recomputation: what a batch needs, in units of 10⁹. */
function countedWork(): (feeds: Record<string, HostTensor>) => number {
  const w = new Weights(task.checkpoint)
  const loss = task.loss(w)
  const slopes = gradients(loss, [...w.read().values()])
  const count = workOf([loss, ...slopes])
  return ({ ids, pixels, visualRows, labelled }) => {
    const [B, T] = ids!.shape as [number, number]
    const sizes = { B, T, N: pixels!.shape[0]!, V: visualRows!.shape[0]!, L: labelled!.shape[0]! }
    const { linear, attention } = count(new Map(Object.entries(sizes)))
    return (2 * (linear + attention)) / 1e9
  }
}

/** What a large product of matrices reaches, 10⁹ operations a second: the best of ten. */
async function measuredPeak(): Promise<number> {
  const n = 2048
  const [a, b] = [input('a', 'f32', [n, n]), input('b', 'f32', [n, n])]
  const program = await Program.compile('peak', { product: matmul(a, b) }, compile)
  const filled = f32([n, n], new Float32Array(n * n).fill(0.5))
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 10; i++) {
    const began = performance.now()
    await program.run({ a: filled, b: filled })
    best = Math.min(best, performance.now() - began)
  }
  await program.dispose()
  return (2 * n ** 3) / 1e6 / best
}
