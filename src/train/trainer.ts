import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { checkpointOfEntries } from '../checkpoint/entries.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { findModel } from '../hub/find.ts'
import { findBeside } from '../model/find-beside.ts'
import type { CompileOptions } from '../runtime/program.ts'
import type { ModelFiles } from '../systems/model-files.ts'
import { readModel } from '../systems/read-model.ts'
import { AbortError, InputError } from '../tensor/errors.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import type { TilingOptions } from '../tiling/tiling.ts'
import { BatchOrder, stepsOf } from './batches.ts'
import { curvesSvg } from './curves.ts'
import { exportModel } from './export.ts'
import { adamW, type Optimizer, sgd } from './optimizer.ts'
import { Preparer } from './preparer.ts'
import type { Recipe, Stage } from './recipe.ts'
import { RunFolder } from './run-folder.ts'
import { learningRate } from './schedule.ts'
import { TrainingStep } from './step.ts'
import { openTask } from './task.ts'

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
  /** The trained model, in its original layout. */
  readonly model: string
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
  const trained = await run.trainedBefore(recipe.stages.length)
  const model = join(recipe.output, 'model')
  await exportModel(model, source, files.checkpoint, trained)
  const curves = join(recipe.output, 'curves.svg')
  await writeFile(curves, await curvesSvg(run.logPath))
  return { model, log: run.logPath, curves }
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
  const order = await BatchOrder.open(stage, recipe.seed + index, first * stage.microBatches)
  const steps = stepsOf(stage, order.length)
  const sampling = {
    tiling: stage.tiling as TilingOptions | undefined,
    maxLength: stage.maxLength,
    labels: stage.labels,
  }
  const task = await openTask(files, sampling)
  const checkpoint = overlaid(task.checkpoint, await run.trainedBefore(index))
  const { train: groups, maxNorm, microBatches } = stage
  const step = await TrainingStep.compile(checkpoint, (w) => task.loss(w), {
    groups,
    optimizer: optimizerOf(stage),
    ...(maxNorm !== undefined && { maxNorm }),
    microBatches,
    compile,
  })
  const preparer = new Preparer({ folder, options: sampling, data: stage.data }, () => order.next())
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
    await run.finishStage(index, new Map([...step.state].filter(([key]) => keys.has(key))))
  } finally {
    await preparer.close()
    await order.close()
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
  let waitedSeconds = 0
  for (let i = 0; i < stage.microBatches; i++) {
    const next = await preparer.next()
    batches.push(next.feeds)
    waitedSeconds += next.waitedSeconds
  }
  const { warmup } = stage
  const warmupSteps = warmup < 1 ? Math.ceil(warmup * steps) : warmup
  const { schedule, learningRate: peak, finalRate } = stage
  const rate = learningRate(step.step + 1, { schedule, learningRate: peak, finalRate, steps, warmupSteps })
  const { loss, gradientNorm } = await step.run(batches, rate)
  const tokens = batches.reduce((sum, { ids }) => sum + ids!.data.length, 0)
  const seconds = (performance.now() - began) / 1000
  const at = { stage: stage.name, step: step.step, steps }
  return { ...at, loss, gradientNorm, learningRate: rate, tokens, seconds, waitedSeconds }
}

function optimizerOf({ optimizer }: Stage): Optimizer {
  if (optimizer.name === 'sgd')
    return sgd(optimizer.momentum === undefined ? {} : { momentum: optimizer.momentum })
  const { betas, epsilon } = optimizer
  return adamW({ ...(betas && { betas }), ...(epsilon !== undefined && { epsilon }) })
}

/** A checkpoint in which some weights have other values. */
function overlaid(checkpoint: Checkpoint, values: ReadonlyMap<string, HostTensor<'f32'>>): Checkpoint {
  return checkpointOfEntries(
    checkpoint.name,
    checkpoint.keys().map((key) => {
      const value = values.get(key)
      return value
        ? { key, dtype: value.dtype, shape: value.shape, read: async () => value }
        : checkpoint.entry(key)
    }),
  )
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
