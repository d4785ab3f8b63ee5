import { readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { load, type NodeModel } from '../model/load-node.ts'
import type { CompileOptions } from '../runtime/program.ts'
import { AbortError } from '../tensor/errors.ts'
import { planTiles } from '../tiling/tiling.ts'
import { parseRecipe } from '../train/recipe.ts'
import { train } from '../train/trainer.ts'
import { type ArmName, armTiling, askedTiling, s2Pixels } from './arms.ts'
import { isCut } from './cut.ts'
import { ExperimentLog } from './experiment-log.ts'
import { type LabModel, labModel } from './lab-model.ts'
import { Pace } from './pace.ts'
import type { Placement } from './page.ts'
import { maxNewTokens, type PageRow, question, writePages } from './page-files.ts'
import { writeS2Start } from './s2-start.ts'
import { type ArmPlan, isSameRun, planArms, runsOf, type TilingRun } from './tilings-plan.ts'

export interface TilingsOptions {
  /** The model that all arms start from: a folder or a hub id. */
  readonly model: string
  /** Where pages, runs and readings go. */
  readonly folder: string
  readonly arms: readonly ArmName[]
  /** Updates of each run under the budget of pages. */
  readonly steps: number
  /** Pages of an update. */
  readonly batchSize: number
  readonly learningRate: number
  readonly seeds: number
  /** Pairs of test pages. */
  readonly pairs: number
  readonly compile: CompileOptions
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: TilingsProgress) => void) | undefined
  /** Told after each run, for a report of what there is. */
  readonly onRun?: ((result: TilingsResult) => Promise<void>) | undefined
}

export interface TilingsProgress {
  readonly phase: 'drawing' | 'training' | 'reading'
  /** Which run, from 1; absent while test pages are drawn. */
  readonly run?: { readonly name: string; readonly number: number; readonly total: number }
  /** Pages, or updates. */
  readonly done: number
  readonly total: number
  readonly loss?: number
  /** Of the whole experiment. */
  readonly secondsLeft?: number | undefined
}

/** What a trained arm read on one test page. */
export interface PageReading extends TilingRun {
  readonly placement: Placement
  readonly index: number
  readonly words: readonly string[]
  /** Of each word: whether the arm's own borders cut it. */
  readonly cut: readonly boolean[]
  readonly given: string
  readonly visualTokens: number
}

/** What is known of an experiment so far. */
export interface TilingsResult {
  readonly model: string
  readonly batchSize: number
  readonly pairs: number
  readonly arms: readonly ArmPlan[]
  readonly runs: readonly TilingRun[]
  /** Runs whose every test page was read. */
  readonly doneRuns: readonly TilingRun[]
  /** Of the runs that are done. */
  readonly readings: readonly PageReading[]
}

/** The seed of the test pages; training pages have the seeds 1, 2, …. */
const testSeed = 0

/**
 * Trains the same model from the same state under each tiling, with equal pages in equal order, then with equal visual
 * tokens, and lets each read test pages whose words lie across the borders of the plain dynamic grid and their twins whose
 * words do not. What was done is kept in the folder: a stopped or killed experiment goes on there.
 * @throws AbortError `aborted` with everything saved; InputError `lab-model`, `lab-other-experiment`
 */
export async function compareTilings(options: TilingsOptions): Promise<TilingsResult> {
  const model = await labModel(options.model)
  const { folder, steps, batchSize, learningRate, pairs, signal, onProgress, onRun } = options
  const { digest, tileSize } = model
  const settings = { model: digest, steps, batchSize, learningRate, pairs, tileSize }
  const log = await ExperimentLog.open<PageReading>(join(folder, 'readings.jsonl'), settings)
  const testFolder = join(folder, 'pages/test')
  const tests = await writePages({
    ...{
      folder: testFolder,
      seed: testSeed,
      tileSize,
      count: pairs,
      placements: ['crossed', 'clear'],
      signal,
    },
    onPage: (done, total) => onProgress?.({ phase: 'drawing', done, total }),
  })
  const arms = planArms(options.arms, steps, model)
  const runs = runsOf(arms, options.seeds)
  const readingsOf = (run: TilingRun) => log.rows.filter((row) => isSameRun(row, run))
  const isDone = (run: TilingRun) => readingsOf(run).length === tests.length
  const pace = paceOf(runs, arms, batchSize, tests.length, readingsOf)
  const result = (): TilingsResult => {
    const doneRuns = runs.filter(isDone)
    return {
      model: options.model,
      batchSize,
      pairs,
      arms,
      runs,
      doneRuns,
      readings: doneRuns.flatMap(readingsOf),
    }
  }
  for (const [i, run] of runs.entries()) {
    if (isDone(run)) continue
    const named = { name: `${run.arm}, seed ${run.seed}`, number: i + 1, total: runs.length }
    const bench: Bench = {
      ...{ options, model, run, pace, tests, testFolder, log },
      tiles: arms.find(({ arm }) => arm === run.arm)!.tilesPerPage,
      tell: (progress) => onProgress?.({ ...progress, run: named, secondsLeft: pace.secondsLeft }),
    }
    const trained = await trainRun(bench)
    await readTests(trained, bench)
    await removeState(runFolder(folder, run))
    await onRun?.(result())
  }
  return result()
}

/** What the work on one run needs. */
interface Bench {
  readonly options: TilingsOptions
  readonly model: LabModel
  readonly run: TilingRun
  readonly pace: Pace
  readonly tests: readonly PageRow[]
  readonly testFolder: string
  readonly log: ExperimentLog<PageReading>
  readonly tiles: number
  readonly tell: (progress: TilingsProgress) => void
}

/** Trains a run to its end, from where it stands; the folder of its model. */
async function trainRun({ options, model, run, pace, tiles, tell }: Bench): Promise<string> {
  const { folder, steps, batchSize, learningRate, compile, signal } = options
  const { arm, seed } = run
  const { tileSize } = model
  const pages = join(folder, `pages/seed-${seed}`)
  await writePages({
    ...{ folder: pages, seed, tileSize, count: steps * batchSize, placements: ['anywhere'], signal },
    onPage: (done, total) => tell({ phase: 'drawing', done, total }),
  })
  const recipe = {
    model: resolve(arm === 's2' ? await s2Start(options, model) : model.folder),
    output: resolve(runFolder(folder, run)),
    seed,
    stages: [
      {
        ...{ name: arm, steps: run.steps, batchSize, learningRate, warmup: 0.05, maxNorm: 1 },
        train: [{ match: '*', weightDecay: 0.01 }],
        data: [{ path: resolve(pages, 'data.jsonl') }],
        tiling: askedTiling(arm, tileSize),
        saveEvery: 50,
      },
    ],
  }
  const made = await train(parseRecipe(JSON.stringify(recipe), join(folder, `${arm}.json`)), {
    compile,
    signal,
    onStep: ({ step, steps: total, loss }) => {
      pace.add(trainingWork(tiles, batchSize))
      tell({ phase: 'training', done: step, total, loss })
    },
  })
  return made.model
}

/** The start of the S2 arm, made once. */
async function s2Start({ folder }: TilingsOptions, { source, tileSize }: LabModel): Promise<string> {
  const start = join(folder, 's2-start')
  await writeS2Start(source, start, s2Pixels(tileSize))
  return start
}

/** Reads the test pages that were not read yet. */
async function readTests(trained: string, bench: Bench): Promise<void> {
  const { options, model, run, pace, tests, testFolder, log, tiles, tell } = bench
  const { device, threads } = options.compile
  const loaded = await load(trained, { device, threads, visualCacheBytes: 0 })
  try {
    for (const [i, page] of tests.entries()) {
      const isRead = log.rows.some(
        (row) => isSameRun(row, run) && row.placement === page.placement && row.index === page.index,
      )
      if (isRead) continue
      tell({ phase: 'reading', done: i, total: tests.length })
      const { given, visualTokens } = await readPage(loaded, run.arm, page, testFolder, bench)
      const plan = planTiles(page, armTiling(run.arm, model.tileSize))
      const { placement, index } = page
      const words = page.words.map(({ text }) => text)
      const cut = page.words.map(({ box }) => isCut(plan, box))
      await log.add({ ...run, placement, index, words, cut, given, visualTokens })
      pace.add(readingWork(tiles))
    }
  } finally {
    await loaded.dispose()
  }
}

async function readPage(
  loaded: NodeModel,
  arm: ArmName,
  { image }: PageRow,
  folder: string,
  { options: { signal }, model: { tileSize } }: Bench,
): Promise<{ given: string; visualTokens: number }> {
  const { text, stopReason, tokens } = await loaded.ask(question, {
    images: [join(folder, image)],
    tiling: askedTiling(arm, tileSize),
    maxNewTokens,
    signal,
  })
  if (stopReason === 'aborted') throw new AbortError('aborted', 'Stopped; what was read is kept.')
  return { given: text, visualTokens: tokens.visual }
}

function runFolder(folder: string, { arm, seed, steps }: TilingRun): string {
  return join(folder, `runs/${arm}-seed-${seed}-steps-${steps}`)
}

/** The trained weights are in the run's model too; many runs would fill a disk. */
async function removeState(run: string): Promise<void> {
  for (const file of await readdir(run)) if (/^stage-\d+\.safetensors$/.test(file)) await rm(join(run, file))
}

/** Forward passes of a tile: a step goes forwards once, and backwards at twice the cost. */
function trainingWork(tiles: number, batchSize: number): number {
  return 3 * tiles * batchSize
}

/** As `trainingWork`, of a page that is read; its answer costs about as much as its tiles. */
function readingWork(tiles: number): number {
  return 2 * tiles
}

/** The pace over all runs; a run that was begun counts what its readings tell. */
function paceOf(
  runs: readonly TilingRun[],
  arms: readonly ArmPlan[],
  batchSize: number,
  pages: number,
  readingsOf: (run: TilingRun) => readonly PageReading[],
): Pace {
  let [total, done] = [0, 0]
  for (const run of runs) {
    const { tilesPerPage } = arms.find(({ arm }) => arm === run.arm)!
    const training = run.steps * trainingWork(tilesPerPage, batchSize)
    const read = readingsOf(run).length
    total += training + pages * readingWork(tilesPerPage)
    done += (read > 0 ? training : 0) + read * readingWork(tilesPerPage)
  }
  return new Pace(total, done)
}
