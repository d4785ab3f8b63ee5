import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LoraPair } from '../adapters/adapter.ts'
import { mergedWeights } from '../adapters/merge.ts'
import type { WeightEntry } from '../checkpoint/checkpoint.ts'
import { replaceWeights, tensorEntry } from '../checkpoint/entries.ts'
import { folderSource } from '../checkpoint/folder.ts'
import type { Weights } from '../graph/weights.ts'
import { findModel } from '../hub/find.ts'
import { findBeside } from '../model/find-beside.ts'
import type { CompileOptions } from '../runtime/program.ts'
import type { ModelFiles } from '../systems/model-files.ts'
import { readModel } from '../systems/read-model.ts'
import { AbortError, InputError } from '../tensor/errors.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import { StageSamples } from './batches.ts'
import { curvesSvg } from './curves.ts'
import { exportModel } from './export.ts'
import { exportAdapter } from './export-adapter.ts'
import { type AdaptedModel, type LoraSettings, moduleOfPair, pairsIn, withPairs } from './lora.ts'
import { muon } from './muon.ts'
import { adamW, type Optimizer, sgd } from './optimizer.ts'
import { Preparer } from './preparer.ts'
import type { Recipe, Stage } from './recipe.ts'
import { RunFolder } from './run-folder.ts'
import { learningRate } from './schedule.ts'
import { TrainingStep } from './step.ts'
import { openTask, type SampleOptions, type TrainingTask } from './task.ts'
import type { Tilings } from './tilings.ts'

/** A step that was taken, as the log has it. */
export interface StepLog {
  readonly stage: string
  readonly step: number
  readonly steps: number
  readonly loss: number
  readonly gradientNorm: number
  readonly learningRate: number
  /** Sequence positions of the step's batches, padding included. */
  readonly tokens: number
  /** Of these, no padding. */
  readonly realTokens: number
  readonly seconds: number
  /** Of these, waiting for pictures. */
  readonly waitedSeconds: number
}

export interface TrainOptions {
  readonly compile: CompileOptions
  readonly signal?: AbortSignal | undefined
  readonly onStep?: ((step: StepLog) => void) | undefined
  readonly onNotice?: ((message: string) => void) | undefined
}

/** What a finished run left. */
export interface TrainResult {
  /** The trained model, in its original layout; pairs are merged into it. */
  readonly model: string
  /** Of a recipe with LoRA, the adapter as peft saves it, unless a layer that has a pair was trained whole too. */
  readonly adapter?: string
  readonly log: string
  readonly curves: string
}

/**
 * Runs a recipe to its end, from where it stands: a run that was stopped or killed goes on at its last saved step and
 * ends with the weights of a run that was not.
 * @throws AbortError `aborted`, after the present step was saved; InputError; CheckpointError; EngineError
 */
export async function train(recipe: Recipe, options: TrainOptions): Promise<TrainResult> {
  const found = await findModel(recipe.model)
  const source = await folderSource(found.folder)
  const { config, checkpoint } = await readModel(source)
  const files: ModelFiles = {
    ...{ source, checkpoint, config: withSystem(config, recipe.as) },
    findModel: (id) => findBeside(id, found.folder),
  }
  const run = await RunFolder.open(recipe)
  for (let stage = run.progress.stage; stage < recipe.stages.length; stage++)
    await trainStage(recipe, stage, files, found.folder, run, options)
  const exported = await exportRun(recipe, files, await run.trainedBefore(recipe.stages.length), options)
  const curves = join(recipe.output, 'curves.svg')
  await writeFile(curves, await curvesSvg(run.logPath))
  return { ...exported, log: run.logPath, curves }
}

/** Writes the trained model, pairs merged into their matrices, and of a run with pairs the adapter. */
async function exportRun(
  recipe: Recipe,
  files: ModelFiles,
  trained: ReadonlyMap<string, HostTensor<'f32'>>,
  { compile, onNotice }: TrainOptions,
): Promise<Pick<TrainResult, 'model' | 'adapter'>> {
  const task = await openTask(files, samplingOf(recipe.stages.at(-1)!))
  const whole = entriesOf([...trained].filter(([key]) => moduleOfPair(key) === undefined))
  const settings = loraOf(recipe)
  const pairs = settings ? pairsIn(trained, settings) : new Map<string, LoraPair>()
  const merged = mergedWeights(replaceWeights(task.checkpoint, whole), { pairs }, compile)
  const changed = new Map([...whole, ...merged])
  // A part that was published apart and was trained is now the model's own.
  const isOwn = [...changed.keys()].every((key) => files.checkpoint.has(key))
  const model = join(recipe.output, 'model')
  await exportModel(model, files.source, isOwn ? files.checkpoint : task.checkpoint, changed)
  if (!settings) return { model }
  const adapter = join(recipe.output, 'adapter')
  const made = { baseModel: recipe.model, settings, pairs, whole }
  const refusal = await exportAdapter(adapter, task.checkpoint, made)
  if (refusal === undefined) return { model, adapter }
  onNotice?.(`no adapter was written, for ${refusal}; the trained model has both`)
  return { model }
}

/** The pairs' sizes, which all stages with pairs share. */
function loraOf({ stages }: Recipe): LoraSettings | undefined {
  return stages.find(({ lora }) => lora)?.lora
}

function entriesOf(values: Iterable<readonly [string, HostTensor]>): Map<string, WeightEntry> {
  return new Map([...values].map(([key, value]) => [key, tensorEntry(key, value)]))
}

function samplingOf({ tiling, maxLength, labels, pictures }: Stage): SampleOptions {
  return { tiling: tiling as Tilings | undefined, maxLength, labels, pictures }
}

/** The stage's model: what earlier stages trained in place of the published weights, and the pairs of all up to it. */
function stageModel(
  task: TrainingTask,
  recipe: Recipe,
  index: number,
  trained: ReadonlyMap<string, HostTensor<'f32'>>,
): AdaptedModel {
  const checkpoint = replaceWeights(task.checkpoint, entriesOf(trained))
  const model = { checkpoint, loss: (w: Weights) => task.loss(w) }
  const settings = loraOf({ ...recipe, stages: recipe.stages.slice(0, index + 1) })
  if (!settings) return { ...model, targeted: [], pairs: new Map() }
  return withPairs(model, settings, trained, recipe.stages[index]!.lora?.targets, recipe.seed)
}

async function trainStage(
  recipe: Recipe,
  index: number,
  files: ModelFiles,
  folder: string,
  run: RunFolder,
  { compile, signal, onStep, onNotice }: TrainOptions,
): Promise<void> {
  const stage = recipe.stages[index]!
  const first = run.progress.step
  const samples = await StageSamples.open(stage)
  const { steps } = samples
  await samples.close()
  const sampling = samplingOf(stage)
  const task = await openTask(files, sampling)
  const model = stageModel(task, recipe, index, await run.trainedBefore(index))
  const { train: groups, maxNorm, microBatches, recompute } = stage
  const step = await TrainingStep.compile(model.checkpoint, (w) => model.loss(w), {
    groups: model.targeted.length > 0 ? [{ match: model.targeted }, ...groups] : groups,
    optimizer: optimizerOf(stage),
    ...(maxNorm !== undefined && { maxNorm }),
    microBatches,
    recompute,
    compile,
  })
  const firstBatch = first * microBatches
  const preparer = new Preparer(
    { folder, options: sampling, stage, seed: recipe.seed + index, firstBatch },
    samples.batches - firstBatch,
  )
  try {
    const state = await run.state()
    if (state) step.restore(state, first)
    if (first > 0) onNotice?.(`stage ${stage.name} goes on at step ${first} of ${steps}`)
    while (step.step < steps) {
      if (signal?.aborted) {
        await run.save({ stage: index, step: step.step }, step.state)
        throw new AbortError('aborted', `Stopped; step ${step.step} of stage ${stage.name} is saved.`)
      }
      const taken = await takeStep(step, steps, stage, preparer)
      if (!Number.isFinite(taken.loss))
        throw new InputError(
          'loss-not-finite',
          `The loss of step ${taken.step} in stage ${stage.name} is ${taken.loss}. Lower the learning rate, or set ` +
            'maxNorm; the last saved step stays.',
          { step: taken.step },
        )
      await run.log({ ...taken })
      onStep?.(taken)
      if (step.step % stage.saveEvery === 0 && step.step < steps)
        await run.save({ stage: index, step: step.step }, step.state)
    }
    const keys = new Set(step.trained.map(({ key }) => key))
    const trained = [...step.state].filter(([key]) => keys.has(key))
    // Pairs that a group froze belong to the adapter too.
    await run.finishStage(index, new Map([...model.pairs, ...trained]))
  } finally {
    await preparer.close()
    await step.dispose()
  }
}

async function takeStep(
  step: TrainingStep,
  steps: number,
  stage: Stage,
  preparer: Preparer,
): Promise<StepLog> {
  const began = performance.now()
  const batches: Record<string, HostTensor>[] = []
  let [waitedSeconds, tokens, realTokens] = [0, 0, 0]
  for (let i = 0; i < stage.microBatches; i++) {
    const next = await preparer.next()
    batches.push(next.feeds)
    waitedSeconds += next.waitedSeconds
    tokens += next.tokens
    realTokens += next.realTokens
  }
  const { warmup } = stage
  const warmupSteps = warmup < 1 ? Math.ceil(warmup * steps) : warmup
  const { schedule, learningRate: peak, finalRate } = stage
  const rate = learningRate(step.step + 1, { schedule, learningRate: peak, finalRate, steps, warmupSteps })
  const { loss, gradientNorm } = await step.run(batches, rate)
  const seconds = (performance.now() - began) / 1000
  const at = { stage: stage.name, step: step.step, steps }
  return { ...at, loss, gradientNorm, learningRate: rate, tokens, realTokens, seconds, waitedSeconds }
}

function optimizerOf({ optimizer }: Stage): Optimizer {
  if (optimizer.name === 'sgd')
    return sgd(optimizer.momentum === undefined ? {} : { momentum: optimizer.momentum })
  const { name, ...given } = optimizer
  const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return name === 'muon' ? muon(settings) : adamW(settings)
}

/** The configuration under the architecture that a recipe's `as` names. */
function withSystem(config: unknown, as: string | undefined): unknown {
  if (as === undefined) return config
  const architectures = {
    ...{ internvl2: 'InternVLChatModel', 'mini-monkey': 'MiniMonkeyChatModel' },
    ...{ llava: 'LlavaLlamaForCausalLM', 'mg-llava': 'MultiFuseObjectLLaVAModel' },
  }[as]
  if (architectures) return { ...(config as object), architectures: [architectures] }
  throw new InputError(
    'training-unknown',
    `There is no system '${as}' to train. Known are internvl2, mini-monkey, llava, mg-llava.`,
  )
}
