import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { gradients } from '../graph/gradient.ts'
import { add, div, mul } from '../graph/ops/index.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import { Weights } from '../graph/weights.ts'
import type { EngineMemory, NamedTensors } from '../runtime/engine.ts'
import { type CompileOptions, Program } from '../runtime/program.ts'
import { InputError } from '../tensor/errors.ts'
import { toFloat32 } from '../tensor/half.ts'
import { type HostTensor, zeros } from '../tensor/tensor.ts'
import { clipByGlobalNorm, globalNorm } from './clip.ts'
import { type ParameterGroup, type TrainedWeight, trainedWeights } from './groups.ts'
import { type Optimizer, stepRate } from './optimizer.ts'

export interface StepOptions {
  readonly groups: readonly ParameterGroup[]
  readonly optimizer: Optimizer
  /** Gradients are scaled to this global norm where theirs is above it; no clipping by default. */
  readonly maxNorm?: number
  /** Batches whose gradients are averaged before an update; 1 by default. */
  readonly microBatches?: number
  /** `layers`: the backward pass computes the inside of each layer again from its input and holds it for one at a time. */
  readonly recompute?: 'layers' | undefined
  readonly compile: CompileOptions
}

/** What a step tells. */
export interface StepResult {
  /** The mean over the step's micro-batches, before the update. */
  readonly loss: number
  /** The gradients' global norm before clipping. */
  readonly gradientNorm: number
}

/** Everything that a step changes: the trained weights by key, and the optimiser's slots as `slot key`. */
export type TrainingState = ReadonlyMap<string, HostTensor<'f32'>>

/**
 * A compiled training step: forward, backward, clipping and update in one program. Trained weights and optimiser
 * state are inputs and outputs of it, so that a step's results are the next one's inputs and nothing is serialised in
 * between. With several micro-batches a second program sums gradients first.
 */
export class TrainingStep {
  readonly trained: readonly TrainedWeight[]
  readonly microBatches: number
  readonly #optimizer: Optimizer
  readonly #update: Program
  readonly #accumulate: Program | undefined
  readonly #noSums: NamedTensors
  /** Set where the engine has memory of its own: a step writes into what the step before read. */
  readonly #memory: EngineMemory | undefined
  #state: Map<string, HostTensor<'f32'>>
  #spare: Map<string, HostTensor<'f32'>> | undefined
  #step = 0

  private constructor(
    trained: readonly TrainedWeight[],
    { optimizer, microBatches = 1, compile }: StepOptions,
    update: Program,
    accumulate: Program | undefined,
    state: Map<string, HostTensor<'f32'>>,
  ) {
    this.trained = trained
    this.microBatches = microBatches
    this.#optimizer = optimizer
    this.#update = update
    this.#accumulate = accumulate
    this.#noSums = accumulate
      ? Object.fromEntries(trained.map(({ key }) => [`sum ${key}`, zeros('f32', state.get(key)!.shape)]))
      : {}
    this.#memory = compile.engine.memory
    this.#state = this.#owned(state)
    this.#spare = this.#memory && this.#owned(state)
  }

  /**
   * @param loss traces the scalar loss from the weights; its other inputs are the batch
   * @throws InputError `group-matches-nothing`, `nothing-trained`; GraphError `no-gradient`
   */
  static async compile(
    checkpoint: Checkpoint,
    loss: (w: Weights) => Tensor,
    options: StepOptions,
  ): Promise<TrainingStep> {
    const { groups, optimizer, maxNorm, microBatches = 1, recompute, compile } = options
    const all = new Weights(checkpoint)
    loss(all)
    const shapes = new Map([...all.read()].map(([key, { shape }]) => [key, shape as readonly number[]]))
    const trained = trainedWeights(shapes, groups)
    const parameters = new Map(trained.map(({ key }) => [key, input(key, 'f32', shapes.get(key)!)]))
    const total = loss(new Weights(checkpoint, '', new Map(parameters)))
    const values = [...parameters.values()]
    const slopes = gradients(total, values, { recompute })
    const averaged = slopes.map((slope, i) =>
      // What the earlier micro-batches gave is added, each with its share.
      microBatches === 1
        ? slope
        : add(div(slope, microBatches), input(`sum ${trained[i]!.key}`, 'f32', slope.shape)),
    )
    const norm = globalNorm(averaged)
    const used = maxNorm === undefined ? averaged : clipByGlobalNorm(averaged, norm, maxNorm)
    const outputs: Record<string, Tensor> = { loss: total, gradientNorm: norm }
    const state = new Map<string, HostTensor<'f32'>>()
    for (const [i, { key, rateFactor, weightDecay }] of trained.entries()) {
      const shape = shapes.get(key)!
      const names = optimizer.slotsOf(key, shape)
      const slots = Object.fromEntries(names.map((slot) => [slot, input(`${slot} ${key}`, 'f32', shape)]))
      const updated = optimizer.update({
        value: values[i]!,
        gradient: used[i]!,
        slots,
        rate: mul(stepRate, rateFactor),
        weightDecay,
      })
      outputs[`new ${key}`] = updated.value
      state.set(key, toFloat32(await checkpoint.entry(key).read()))
      for (const slot of names) {
        outputs[`new ${slot} ${key}`] = updated.slots[slot]!
        state.set(`${slot} ${key}`, zeros('f32', shape))
      }
    }
    const update = await Program.compile('training step', outputs, compile)
    const sums = Object.fromEntries(averaged.map((sum, i) => [`gradient ${trained[i]!.key}`, sum]))
    const accumulate =
      microBatches === 1 ? undefined : await Program.compile('gradients', { loss: total, ...sums }, compile)
    return new TrainingStep(trained, options, update, accumulate, state)
  }

  /** Steps taken, those before a restore included. */
  get step(): number {
    return this.#step
  }

  /** The trained weights and the optimiser's slots as they are now. */
  get state(): TrainingState {
    return this.#state
  }

  /**
   * Takes a step over its micro-batches.
   * @throws InputError `batch-count` when there are more or fewer than the step was compiled for
   */
  async run(batches: readonly NamedTensors[], learningRate: number): Promise<StepResult> {
    if (batches.length !== this.microBatches)
      throw new InputError(
        'batch-count',
        `The step averages ${this.microBatches} micro-batches, but was given ${batches.length}.`,
        { expected: this.microBatches, found: batches.length },
      )
    const state = this.#state
    const held = Object.fromEntries(state)
    let loss = 0
    let sums = this.#noSums
    for (const batch of batches.slice(0, -1)) {
      const given = await this.#accumulate!.run({ ...batch, ...held, ...sums })
      loss += scalarOf(given.loss!)
      sums = Object.fromEntries(this.trained.map(({ key }) => [`sum ${key}`, given[`gradient ${key}`]!]))
    }
    const scalars = this.#optimizer.feeds(this.#step + 1, learningRate)
    const feeds = { ...batches.at(-1)!, ...held, ...sums, ...scalars }
    const outputs =
      this.#spare && Object.fromEntries([...this.#spare].map(([key, spare]) => [`new ${key}`, spare]))
    const given = await this.#update.run(feeds, undefined, outputs && { outputs })
    if (this.#spare) this.#spare = this.#state
    this.#state = new Map([...state.keys()].map((key) => [key, given[`new ${key}`] as HostTensor<'f32'>]))
    this.#step++
    return {
      loss: (loss + scalarOf(given.loss!)) / batches.length,
      gradientNorm: scalarOf(given.gradientNorm!),
    }
  }

  /**
   * Goes on from a state that was saved.
   * @throws InputError `state-does-not-fit` when it is of another model, groups or optimiser
   */
  restore(state: TrainingState, step: number): void {
    const next = new Map<string, HostTensor<'f32'>>()
    for (const [key, { shape }] of this.#state) {
      const saved = state.get(key)
      if (!saved || saved.shape.join() !== shape.join())
        throw new InputError(
          'state-does-not-fit',
          `The saved training state has ${saved ? `[${saved.shape.join(', ')}]` : 'nothing'} for ${key}, ` +
            `which is [${shape.join(', ')}] here. Its recipe was another one.`,
          { key },
        )
      next.set(key, saved)
    }
    for (const [key, { data }] of next) this.#state.get(key)!.data.set(data)
    this.#step = step
  }

  async dispose(): Promise<void> {
    await this.#update.dispose()
    await this.#accumulate?.dispose()
    for (const tensors of [this.#state, this.#spare])
      for (const tensor of tensors?.values() ?? []) this.#memory?.free(tensor)
  }

  /** Copies of tensors where the engine's runs can read and write them in place. */
  #owned(tensors: ReadonlyMap<string, HostTensor<'f32'>>): Map<string, HostTensor<'f32'>> {
    return new Map(
      [...tensors].map(([key, { shape, data }]) => {
        const own = this.#memory?.allocate('f32', shape) ?? zeros('f32', shape)
        own.data.set(data)
        return [key, own]
      }),
    )
  }
}

function scalarOf(tensor: HostTensor): number {
  return Number(tensor.data[0])
}
