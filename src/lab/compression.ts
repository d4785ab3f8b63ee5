import { join } from 'node:path'
import type { Answer } from '../model/answer.ts'
import { load, type NodeModel } from '../model/load-node.ts'
import type { CompileOptions } from '../runtime/program.ts'
import { AbortError, InputError } from '../tensor/errors.ts'
import { askedTiling } from './arms.ts'
import { ExperimentLog } from './experiment-log.ts'
import { labModel } from './lab-model.ts'
import { Pace } from './pace.ts'
import { maxNewTokens, type PageRow, question, writePages } from './page-files.ts'

/** Shares of the detailed tiles' tokens that stay. */
export const keepRatios: readonly number[] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]

export interface CompressionOptions {
  readonly model: string
  readonly folder: string
  readonly pages: number
  readonly compile: CompileOptions
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: CompressionProgress) => void) | undefined
}

export interface CompressionProgress {
  readonly phase: 'drawing' | 'reading'
  readonly done: number
  readonly total: number
  readonly secondsLeft?: number | undefined
}

/** What was read of a page at one keep ratio. */
export interface CompressedReading {
  readonly index: number
  /** `none` where nothing was compressed and nothing was spent on it. */
  readonly keep: number | 'none'
  readonly words: readonly string[]
  readonly given: string
  /** What the decoder read of the prompt. */
  readonly promptTokens: number
  /** Until the first token: all of it, and the pre-pass and the prefill that compression changes. */
  readonly seconds: { readonly first: number; readonly compress: number; readonly prefill: number }
}

export interface CompressionResult {
  readonly model: string
  readonly pages: number
  readonly readings: readonly CompressedReading[]
}

/** The pages' seed: that of no training page of `compareTilings`. */
const pageSeed = 1_000_003

/**
 * Reads the same pages with a trained model at every keep ratio of scale compression, and without it. Pages and ratios
 * take turns so that a busy minute of the machine falls on all ratios, and no prompt follows one that it begins like.
 * @throws AbortError `aborted` with everything saved; InputError `lab-model`, `lab-no-compression`, `lab-other-experiment`
 */
export async function compareCompression(options: CompressionOptions): Promise<CompressionResult> {
  const { folder, pages, compile, signal, onProgress } = options
  const { digest, tileSize } = await labModel(options.model)
  const log = await ExperimentLog.open<CompressedReading>(join(folder, 'readings.jsonl'), {
    ...{ model: digest, pages, tileSize },
  })
  const pageFolder = join(folder, 'pages')
  const rows = await writePages({
    ...{ folder: pageFolder, seed: pageSeed, tileSize, count: pages, placements: ['anywhere'], signal },
    onPage: (done, total) => onProgress?.({ phase: 'drawing', done, total }),
  })
  const keeps = [...keepRatios, 'none'] as const
  const total = rows.length * keeps.length
  const pace = new Pace(total, log.rows.length)
  const { device, threads } = compile
  const model = await load(options.model, { device, threads, visualCacheBytes: 0 })
  try {
    if (!model.system.canCompress)
      throw new InputError(
        'lab-no-compression',
        `${options.model} is a ${model.system.name}, which compresses nothing.`,
      )
    // The first questions of a process pay for what is made once.
    if (log.rows.length < total)
      for (const keep of ['none', 0.5] as const)
        await ask(model, join(pageFolder, rows[0]!.image), keep, tileSize, signal)
    for (let turn = 0; turn < total; turn++) {
      const at = turn % keeps.length
      const keep = keeps[at]!
      const row = rows[(Math.floor(turn / keeps.length) + at) % rows.length]!
      if (log.rows.some((done) => done.index === row.index && done.keep === keep)) continue
      onProgress?.({ phase: 'reading', done: log.rows.length, total, secondsLeft: pace.secondsLeft })
      const answer = await ask(model, join(pageFolder, row.image), keep, tileSize, signal)
      await log.add(readingOf(answer, row, keep))
      pace.add(1)
    }
  } finally {
    await model.dispose()
  }
  return { model: options.model, pages, readings: log.rows }
}

async function ask(
  model: NodeModel,
  image: string,
  keep: CompressedReading['keep'],
  tileSize: number,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const answer = await model.ask(question, {
    images: [image],
    tiling: askedTiling('msac', tileSize),
    // The published code also loses a token behind the block, which would make 1.0 differ from no compression.
    ...(keep !== 'none' && { compression: { mode: 'corrected', keepRatio: keep } }),
    maxNewTokens,
    signal,
  })
  if (answer.stopReason === 'aborted') throw new AbortError('aborted', 'Stopped; what was read is kept.')
  return answer
}

function readingOf(
  { text, tokens, seconds }: Answer,
  row: PageRow,
  keep: CompressedReading['keep'],
): CompressedReading {
  const { prepare, encode, compress, prefill } = seconds
  return {
    index: row.index,
    keep,
    words: row.words.map((word) => word.text),
    given: text,
    promptTokens: tokens.decoder,
    seconds: { first: prepare + encode + compress + prefill, compress, prefill },
  }
}
