import { setImmediate } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { folderSource } from '../checkpoint/folder.ts'
import { seededRandom } from '../generate/random.ts'
import { findBeside } from '../model/find-beside.ts'
import { readModel } from '../systems/read-model.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import { StageSamples, type Window } from './batches.ts'
import { bucketed } from './bucket.ts'
import type { Stage } from './recipe.ts'
import { openTask, type SampleDraft, type SampleOptions } from './task.ts'

/** What the worker is started with. */
export interface PreparerSetup {
  readonly folder: string
  readonly options: SampleOptions
  readonly stage: Stage
  readonly seed: number
  /** Micro-batches that were used before. */
  readonly firstBatch: number
}

/** A batch's tensors, its positions, and how many of these are no padding. */
export interface PreparedBatch {
  readonly feeds: Record<string, HostTensor>
  readonly tokens: number
  readonly realTokens: number
}

/** The next batch, or why there is none. */
export type PrepareReply = PreparedBatch | { readonly code: string; readonly message: string }

// A thread of its own reads, decodes and cuts pictures while the engine computes. Each message asks for the next batch.
const { folder, options, stage, seed, firstBatch } = workerData as PreparerSetup
const source = await folderSource(folder)
const { config, checkpoint } = await readModel(source)
const findModel = (id: string) => findBeside(id, folder)
const task = await openTask({ source, checkpoint, config, findModel }, options)
const samples = await StageSamples.open(stage)

/** The batches in their order. While one window's are used the next window is drafted: two are held, never more. */
async function* batches(): AsyncGenerator<readonly SampleDraft[], void> {
  const windows = samples.windows(seed, firstBatch)
  const draftNext = (): Promise<SampleDraft[][]> | undefined => {
    const { value } = windows.next()
    const drafted = value && draft(value)
    drafted?.catch(() => {}) // told when the window's turn comes
    return drafted
  }
  for (let next = draftNext(); next; ) {
    const window = await next
    next = draftNext()
    yield* window
  }
}

/** The batches of a window that are not used yet. */
async function draft({ index, draws, usedBatches }: Window): Promise<SampleDraft[][]> {
  const { batchSize } = stage
  const drafts: SampleDraft[] = []
  for (let first = 0; first < draws.length; first += batchSize) {
    const read = draws.slice(first, first + batchSize).map((draw) => samples.read(draw))
    for (const sample of await Promise.all(read)) {
      drafts.push(task.draft(sample))
      await setImmediate() // a batch that is asked for goes first
    }
  }
  const lengths = drafts.map(({ tokens }) => tokens)
  // A row of its own, beside those that shuffle the sources.
  return bucketed(lengths, batchSize, seededRandom(seed, -1 - index))
    .slice(usedBatches)
    .map((batch) => batch.map((at) => drafts[at]!))
}

const order = batches()
parentPort!.on('message', async () => {
  try {
    const { value: batch } = await order.next()
    if (!batch) return // one before has failed
    const feeds = task.feeds(await Promise.all(batch.map((draft) => draft.finish())))
    const realTokens = batch.reduce((sum, { tokens }) => sum + tokens, 0)
    const buffers = new Set(Object.values(feeds).map(({ data }) => data.buffer as ArrayBuffer))
    const tokens = feeds.ids?.data.length ?? realTokens
    parentPort!.postMessage({ feeds, tokens, realTokens } satisfies PrepareReply, [...buffers])
  } catch (error) {
    const { code = 'unexpected', message } = error as Error & { code?: string }
    parentPort!.postMessage({ code, message } satisfies PrepareReply)
  }
})
