import { addDims, dim } from '../graph/dim.ts'
import { mean, mul, reshape, sum } from '../graph/ops/index.ts'
import { input, type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { addWork, type Work } from '../graph/work.ts'
import type { NamedTensors } from '../runtime/engine.ts'
import { KvCache } from '../runtime/kv-cache.ts'
import type { Part } from '../runtime/precision.ts'
import { type CompileOptions, Program } from '../runtime/program.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import type { Decoder } from './decoder.ts'
import type { RotaryTables } from './rope.ts'

/** A run of blocks that is compiled as one program: from `first` to before `end`. */
export interface StageRange {
  readonly first: number
  readonly end: number
}

export interface DecoderProgramOptions {
  /** Blocks before which the chain is cut; none by default. */
  readonly cuts?: readonly number[]
  /** A block whose attention is also summed over chosen query rows and averaged over heads (`receivedAttention`). */
  readonly observed?: number
  readonly compile: CompileOptions
  /** Told before each program is compiled. */
  readonly onProgram?: (done: number, total: number) => void
}

/** What one stage gives for new tokens. */
export interface StageResult {
  /** [B, T, H] */
  readonly hidden: HostTensor<'f32'>
  /** Set by the stage of the observed block: [B, P + T], in the cache's cells and then the new tokens. */
  readonly receivedAttention?: HostTensor<'f32'>
  readonly taps: NamedTensors
}

export interface StageInputs {
  /** [B, T, H] */
  readonly hidden: HostTensor<'f32'>
  readonly rotary: RotaryTables
  /** [B, T, P + T] */
  readonly mask: HostTensor<'f32'>
  /** How much each new token counts as an observer, [B, T]; nothing by default. */
  readonly observers?: HostTensor<'f32'>
}

/** A decoder compiled: embedding, stages of blocks, and the head, over one set of weights that none holds twice. */
export class DecoderPrograms {
  readonly decoder: Decoder
  readonly stages: readonly StageRange[]
  readonly #embedding: Program
  readonly #blocks: readonly Program[]
  readonly #head: Program
  readonly #observed: number | undefined
  readonly #takesEmpty: boolean

  private constructor(
    decoder: Decoder,
    stages: readonly StageRange[],
    embedding: Program,
    blocks: readonly Program[],
    head: Program,
    { observed, compile }: DecoderProgramOptions,
  ) {
    this.decoder = decoder
    this.stages = stages
    this.#embedding = embedding
    this.#blocks = blocks
    this.#head = head
    this.#observed = observed
    this.#takesEmpty = compile.device !== 'webgpu' // ONNX Runtime binds no buffer to a tensor without elements
  }

  /** @throws EngineError, CheckpointError `weight-missing` */
  static async compile(
    decoder: Decoder,
    w: Weights,
    options: DecoderProgramOptions,
  ): Promise<DecoderPrograms> {
    const bounds = [0, ...(options.cuts ?? []), decoder.layers]
    const stages = bounds.slice(1).map((end, i) => ({ first: bounds[i]!, end }))
    const total = stages.length + 2
    const compiled: Program[] = []
    try {
      const compile = async (
        name: string,
        outputs: Record<string, Tensor>,
        part: Part = 'decoder',
      ): Promise<Program> => {
        options.onProgram?.(compiled.length, total)
        const program = await Program.compile(name, outputs, { ...options.compile, part })
        compiled.push(program)
        return program
      }
      const embedding = await compile('embedding', embeddingOutputs(decoder, w))
      const head = await compile('head', headOutputs(decoder, w), 'head')
      const blocks: Program[] = []
      for (const stage of stages)
        blocks.push(
          await compile(
            `blocks ${stage.first}–${stage.end - 1}`,
            stageOutputs(decoder, w, stage, options.observed),
          ),
        )
      return new DecoderPrograms(decoder, stages, embedding, blocks, head, options)
    } catch (error) {
      await Promise.all(compiled.map((program) => program.dispose()))
      throw error
    }
  }

  /** An empty cache for `batch` rows. */
  newCache(batch: number): KvCache {
    const { layers, kvHeads, headSize } = this.decoder
    const cache = new KvCache({ layers, kvHeads, headSize }, batch)
    if (!this.#takesEmpty) cache.reserve(1)
    return cache
  }

  /** What reading `tokens` new tokens behind `past` cached ones computes, and the logits of the last one. */
  work(tokens: number, past: number): Work {
    const sizes = { B: 1, T: tokens, P: past }
    const parts = [...this.#blocks.map((blocks) => blocks.work(sizes)), this.#head.work({ R: 1 })]
    return addWork(...parts.map((work) => [work, 1] as const))
  }

  /** What reading tokens computes in the first stage alone. */
  firstStageWork(tokens: number): Work {
    return this.#blocks[0]!.work({ B: 1, T: tokens, P: 0 })
  }

  /** ids, B rows of T → embeddings [B, T, H]. */
  async embed(ids: readonly (readonly number[])[]): Promise<HostTensor<'f32'>> {
    const shape = [ids.length, ids[0]!.length]
    const tensor = hostTensor('i64', shape, BigInt64Array.from(ids.flat(), BigInt))
    const { embeddings } = await this.#embedding.run({ ids: tensor })
    return embeddings as HostTensor<'f32'>
  }

  /** Runs one stage over new tokens and writes their keys and values to the cache, which the caller then appends. */
  async runStage(index: number, inputs: StageInputs, cache: KvCache): Promise<StageResult> {
    const program = this.#blocks[index]!
    const { first, end } = this.stages[index]!
    const { hidden, rotary, mask } = inputs
    const feeds: Record<string, HostTensor> = { hidden, cos: rotary.cos, sin: rotary.sin, mask }
    const [batch, tokens] = hidden.shape as [number, number]
    if (this.#observes(index))
      feeds.observers =
        inputs.observers ?? hostTensor('f32', [batch, tokens], new Float32Array(batch * tokens))
    for (let layer = first; layer < end; layer++) {
      feeds[`past.key.${layer}`] = cache.key(layer)
      feeds[`past.value.${layer}`] = cache.value(layer)
    }
    const { output, receivedAttention, ...rest } = await program.run(feeds)
    const taps: Record<string, HostTensor> = {}
    for (const [name, tensor] of Object.entries(rest))
      if (!/^(key|value)\.\d+$/.test(name)) taps[name] = tensor
    for (let layer = first; layer < end; layer++)
      cache.write(layer, rest[`key.${layer}`]!, rest[`value.${layer}`]!)
    return {
      hidden: output as HostTensor<'f32'>,
      ...(receivedAttention && { receivedAttention: receivedAttention as HostTensor<'f32'> }),
      taps,
    }
  }

  /** Hidden states [R, H] → normed states [R, H] and logits [R, V]. */
  async logits(hidden: HostTensor<'f32'>): Promise<{ normed: HostTensor<'f32'>; logits: HostTensor<'f32'> }> {
    const { normed, logits } = await this.#head.run({ hidden })
    return { normed: normed as HostTensor<'f32'>, logits: logits as HostTensor<'f32'> }
  }

  async dispose(): Promise<void> {
    for (const program of [this.#embedding, ...this.#blocks, this.#head]) await program.dispose()
  }

  #observes(index: number): boolean {
    const { first, end } = this.stages[index]!
    return this.#observed !== undefined && first <= this.#observed && this.#observed < end
  }
}

function embeddingOutputs(decoder: Decoder, w: Weights): Record<string, Tensor> {
  return { embeddings: decoder.embed(w, input('ids', 'i64', [dim('B'), dim('T')])) }
}

function headOutputs(decoder: Decoder, w: Weights): Record<string, Tensor> {
  const normed = decoder.norm(w, input('hidden', 'f32', [dim('R'), decoder.hiddenSize]))
  return { normed, logits: decoder.head(w, normed) }
}

function stageOutputs(
  decoder: Decoder,
  w: Weights,
  { first, end }: StageRange,
  observed: number | undefined,
): Record<string, Tensor> {
  const [B, T, P] = [dim('B'), dim('T'), dim('P')]
  const { kvHeads, headSize } = decoder
  const context = {
    cos: input('cos', 'f32', [B, T, headSize / 2]),
    sin: input('sin', 'f32', [B, T, headSize / 2]),
    mask: input('mask', 'f32', [B, T, addDims(P, T)]),
  }
  const outputs: Record<string, Tensor> = {}
  let x = input('hidden', 'f32', [B, T, decoder.hiddenSize])
  for (let layer = first; layer < end; layer++) {
    const past = {
      key: input(`past.key.${layer}`, 'f32', [B, kvHeads, P, headSize]),
      value: input(`past.value.${layer}`, 'f32', [B, kvHeads, P, headSize]),
    }
    const result = decoder.block(w, layer, x, { ...context, past })
    x = tap(`hidden_states.${layer + 1}`, result.output)
    outputs[`key.${layer}`] = result.key
    outputs[`value.${layer}`] = result.value
    if (layer === observed) outputs.receivedAttention = receivedAttention(result.attention)
  }
  return { output: x, ...outputs }
}

/** Attention that each cell gets from the observers, averaged over heads and summed over rows: → [B, S]. */
function receivedAttention(weights: Tensor): Tensor {
  const [B, , T] = weights.shape as [Tensor['shape'][0], number, Tensor['shape'][0]]
  const observers = input('observers', 'f32', [B, T])
  return sum(mul(mean(weights, [1]), reshape(observers, [B, T, 1])), [1])
}
