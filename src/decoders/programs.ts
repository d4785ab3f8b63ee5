import { dim } from '../graph/dim.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { addWork, type Work, workOf } from '../graph/work.ts'
import type { EngineMemory, NamedTensors } from '../runtime/engine.ts'
import { KvCache } from '../runtime/kv-cache.ts'
import { Late } from '../runtime/late.ts'
import type { Part } from '../runtime/precision.ts'
import { type CompileOptions, closesUnused, Program } from '../runtime/program.ts'
import { InputError } from '../tensor/errors.ts'
import { type HostTensor, hostTensor, zeros } from '../tensor/tensor.ts'
import { ownTurn } from '../tensor/turns.ts'
import { CellPrecision } from './cell-precision.ts'
import type { Decoder } from './decoder.ts'
import type { RotaryTables } from './rope.ts'
import { type CellType, cellStage, pastStage, type StageRange } from './stage-graph.ts'

export interface DecoderProgramOptions {
  /** Blocks before which the chain is cut; none by default. */
  readonly cuts?: readonly number[]
  /** A block whose attention is also summed over chosen query rows and averaged over heads (`receivedAttention`). */
  readonly observed?: number
  readonly compile: CompileOptions
  /** Told before each program is compiled. */
  readonly onProgram?: (done: number, total: number) => void
}

/** New tokens up to which 8-bit cells are read as they are: changing their type costs more. */
const mostNarrowTokens = 64

/** Tokens that one run of the programs takes: bounds the memory of attention scores and the time to an abort. */
export const chunkTokens = 512

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
  readonly signal?: AbortSignal | undefined
}

/** What a stage takes that fills cells of the cache itself. */
export interface CellInputs {
  /** [B, T, H] */
  readonly hidden: HostTensor<'f32'>
  /** Rotary tables by cell, [cache capacity, D/2] each; those of the new tokens' cells are used. */
  readonly tables: RotaryTables
  /** Where the result is written, [B, T, H]; a fresh tensor by default. */
  readonly into?: HostTensor<'f32'> | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * A decoder compiled: embedding, stages of blocks, and the head, over one set of weights that none holds twice. A stage
 * has two forms. Where the engine has memory of its own, one kernel attends and fills the cells of the cache
 * (`runCells`). By single ops the past is read and new rows come back (`runStage`): for padded rows, taps, observed
 * attention and other engines. The form that is not the usual one is compiled when it is first needed.
 */
export class DecoderPrograms {
  readonly decoder: Decoder
  readonly stages: readonly StageRange[]
  /** The engine's memory where `runCells` can be used, else undefined. */
  readonly memory: EngineMemory | undefined
  readonly #options: DecoderProgramOptions
  readonly #embedding: Late<Program>
  readonly #pastStages: readonly Late<Program>[]
  readonly #cellStages: readonly Late<Program>[]
  /** Over 8-bit cells, where the cache may have them. */
  readonly #narrowStages: readonly Late<Program>[]
  readonly #cellPrecision: CellPrecision | undefined
  readonly #head: Late<Program>
  readonly #stageWork: readonly (() => WorkOfSizes)[]
  readonly #headWork: () => WorkOfSizes

  private constructor(decoder: Decoder, w: Weights, options: DecoderProgramOptions) {
    const bounds = [0, ...(options.cuts ?? []), decoder.layers]
    const late = (
      name: string,
      outputs: () => Record<string, Tensor>,
      part: Part = 'decoder',
      rows?: 'few' | 'many',
    ): Late<Program> =>
      new Late(async () => {
        await ownTurn() // a graph of many blocks takes milliseconds to trace
        return Program.compile(name, outputs(), { ...options.compile, part, rows })
      })
    const { engine, device, taps, kvCache } = options.compile
    this.decoder = decoder
    this.stages = bounds.slice(1).map((end, i) => ({ first: bounds[i]!, end }))
    // The kernel rotates whole groups of 16 channels, and gives no attention weights.
    const isPossible = device === 'cpu' && !taps && decoder.headSize % 16 === 0
    this.memory = isPossible ? engine.memory : undefined
    this.#options = options
    this.#embedding = late('embedding', () => embeddingOutputs(decoder, w))
    this.#head = late('head', () => headOutputs(decoder, w), 'head')
    this.#pastStages = this.stages.map((stage) =>
      late(`blocks ${stage.first}–${stage.end - 1}`, () => pastStage(decoder, w, stage, options.observed)),
    )
    // Both forms of a stage compute the same.
    this.#stageWork = this.stages.map((stage) =>
      once(() => workOf(Object.values(pastStage(decoder, w, stage, options.observed)))),
    )
    this.#headWork = once(() => workOf(Object.values(headOutputs(decoder, w))))
    const cells = (type: CellType, rows?: 'few' | 'many') =>
      this.stages.map((stage) =>
        late(
          `blocks ${stage.first}–${stage.end - 1} over ${type} cells`,
          () => cellStage(decoder, w, stage, type),
          'decoder',
          rows,
        ),
      )
    const isNarrow = this.memory !== undefined && kvCache === 'int8'
    this.#cellStages = cells('f32', isNarrow ? 'many' : undefined)
    this.#narrowStages = isNarrow ? cells('i8', 'few') : []
    this.#cellPrecision = isNarrow ? new CellPrecision(decoder, options.compile) : undefined
  }

  /** @throws EngineError, CheckpointError `weight-missing`; InputError `option-without-effect` */
  static async compile(
    decoder: Decoder,
    w: Weights,
    options: DecoderProgramOptions,
  ): Promise<DecoderPrograms> {
    const programs = new DecoderPrograms(decoder, w, options)
    if (options.compile.kvCache === 'int8' && !programs.memory)
      throw new InputError(
        'option-without-effect',
        `An int8 cache needs the engine 'native' on the CPU, heads of a multiple of 16 channels (they have ` +
          `${decoder.headSize}) and no taps; the engine is ${options.compile.engine.name}. Leave the option out.`,
        { option: 'kvCache' },
      )
    const usual = programs.memory ? programs.#cellStages : programs.#pastStages
    const narrow = programs.#keepsBoth ? programs.#narrowStages : []
    const parts = [programs.#embedding, programs.#head, ...usual, ...narrow]
    try {
      // An engine that opens sessions off the event loop opens them side by side, a core each. A browser would hold
      // the bytes of all at once.
      const atOnce = options.compile.device === 'cpu' ? parts.length : 1
      for (let done = 0; done < parts.length; done += atOnce) {
        options.onProgram?.(done, parts.length)
        await Promise.all(parts.slice(done, done + atOnce).map((part) => part.get()))
      }
      return programs
    } catch (error) {
      await programs.dispose()
      throw error
    }
  }

  /** An empty cache for `batch` rows, of the first `layers` layers; of all by default. */
  newCache(batch: number, layers = this.decoder.layers): KvCache {
    const { kvHeads, headSize } = this.decoder
    const { device, engine } = this.#options.compile
    // On WebGPU ONNX Runtime binds no buffer to a tensor without elements.
    const cells = device === 'webgpu' ? 1 : 0
    return new KvCache({ layers, kvHeads, headSize }, batch, { memory: engine.memory, cells })
  }

  /** What reading `tokens` new tokens behind `past` cached ones computes, and the logits of the last one. */
  work(tokens: number, past: number): Work {
    const sizes = new Map(Object.entries({ B: 1, T: tokens, P: past }))
    const parts = [...this.#stageWork.map((of) => of()(sizes)), this.#headWork()(new Map([['R', 1]]))]
    return addWork(...parts.map((work) => [work, 1] as const))
  }

  /** What reading a prompt computes, chunk by chunk, and the logits of its last token. */
  promptWork(tokens: number): Work {
    const parts = this.#stageWork.map((of) => inChunks(of(), tokens))
    return addWork(...[...parts, this.#headWork()(new Map([['R', 1]]))].map((work) => [work, 1] as const))
  }

  /** What reading a prompt computes in the first stage alone. */
  firstStageWork(tokens: number): Work {
    return inChunks(this.#stageWork[0]!(), tokens)
  }

  /** ids, B rows of T → embeddings [B, T, H]. */
  async embed(ids: readonly (readonly number[])[]): Promise<HostTensor<'f32'>> {
    const program = await this.#embedding.get()
    const { hiddenSize } = this.decoder
    const flat = BigInt64Array.from(ids.flat(), BigInt)
    const shape = [ids.length, ids[0]!.length, hiddenSize]
    const lookUp = async (part: BigInt64Array<ArrayBuffer>, outputs: Record<string, HostTensor> = {}) => {
      const feeds = { ids: hostTensor('i64', [1, part.length], part) }
      return (await program.run(feeds, undefined, { outputs })).embeddings!.data as Float32Array
    }
    if (flat.length <= chunkTokens) return hostTensor('f32', shape, await lookUp(flat))
    const { memory } = this.#options.compile.engine
    const whole = memory ? memory.allocate('f32', shape) : zeros('f32', shape)
    // In parts: the engine keeps for ever what its largest run took. Each is written to its place.
    for (let from = 0; from < flat.length; from += chunkTokens) {
      const part = flat.subarray(from, from + chunkTokens)
      const place = whole.data.subarray(from * hiddenSize, (from + part.length) * hiddenSize)
      await lookUp(part, { embeddings: hostTensor('f32', [1, part.length, hiddenSize], place) })
    }
    return whole
  }

  /**
   * Runs one stage over new tokens and writes their keys and values to the cache, which the caller then appends.
   * @throws AbortError `aborted`
   */
  async runStage(index: number, inputs: StageInputs, cache: KvCache): Promise<StageResult> {
    const program = await this.#pastStages[index]!.get()
    const { first, end } = this.stages[index]!
    const { hidden, rotary, mask, signal } = inputs
    await cache.settle()
    const feeds: Record<string, HostTensor> = { hidden, cos: rotary.cos, sin: rotary.sin, mask }
    const [batch, tokens] = hidden.shape as [number, number]
    if (this.#observes(index))
      feeds.observers =
        inputs.observers ?? hostTensor('f32', [batch, tokens], new Float32Array(batch * tokens))
    for (let layer = first; layer < end; layer++) {
      feeds[`past.key.${layer}`] = cache.key(layer).tensor
      feeds[`past.value.${layer}`] = cache.value(layer).tensor
    }
    const { output, receivedAttention, ...rest } = await program.run(feeds, undefined, { signal })
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

  /**
   * Makes a cache ready for `runCells` of `tokens` new tokens: room, and the type of its cells. A prompt is read over
   * floats, because the kernel reads 8-bit cells of many tokens 3 to 5 times slower; an answer and what is said in a few
   * words after it over 8 bits, where the cache has them.
   */
  async prepareCells(tokens: number, cache: KvCache): Promise<void> {
    await cache.reserve(cache.length + tokens)
    const precision = this.#cellPrecision
    if (!precision || cache.length === 0) return
    if (tokens === 1 && !cache.isNarrow) {
      await this.#closeUnused(this.#cellStages)
      await cache.convert('i8', (kind, from, into) => precision.narrow(kind, from, into))
    }
    if (tokens > mostNarrowTokens && cache.isNarrow) {
      await this.#closeUnused(this.#narrowStages)
      await cache.convert('f32', (_, from, into) => precision.widen(from, into))
    }
  }

  /** Closes the form that is not used now where both together would take twice the memory for weights. */
  async #closeUnused(stages: readonly Late<Program>[]): Promise<void> {
    if (this.#keepsBoth) return
    for (const stage of stages) await stage.close()
  }

  /**
   * Runs one stage over new tokens, which fills their cells of the cache; the caller has reserved them and counts them
   * when all stages are done. Rows start together, without padding; several rows take one token each, or their first.
   * → [B, T, H]
   * @throws AbortError `aborted`
   */
  async runCells(
    index: number,
    { hidden, tables, into, signal }: CellInputs,
    cache: KvCache,
  ): Promise<HostTensor<'f32'>> {
    const stages = cache.isNarrow ? this.#narrowStages : this.#cellStages
    const program = await stages[index]!.get()
    const { first, end } = this.stages[index]!
    const [batch, tokens] = hidden.shape as [number, number]
    const total = cache.length + tokens
    const feeds: Record<string, HostTensor> = {
      hidden,
      cos: tables.cos,
      sin: tables.sin,
      last_cell: hostTensor('i32', [batch], new Int32Array(batch).fill(total - 1)),
      total: hostTensor('i32', [], Int32Array.of(total)),
    }
    const outputs: Record<string, HostTensor> = into ? { output: into } : {}
    for (let layer = first; layer < end; layer++) {
      const [key, value] = [cache.key(layer), cache.value(layer)]
      outputs[`key.${layer}`] = feeds[`past.key.${layer}`] = key.tensor
      outputs[`value.${layer}`] = feeds[`past.value.${layer}`] = value.tensor
      if (key.scale && value.scale) {
        const { before, after } = this.#cellPrecision!.factors(key.scale, value.scale)
        feeds[`before.${layer}`] = before
        feeds[`after.${layer}`] = after
      }
    }
    const { output } = await program.run(feeds, undefined, { outputs, signal })
    return output as HostTensor<'f32'>
  }

  /** Hidden states [R, H] → normed states [R, H] and logits [R, V]. */
  async logits(hidden: HostTensor<'f32'>): Promise<{ normed: HostTensor<'f32'>; logits: HostTensor<'f32'> }> {
    const { normed, logits } = await (await this.#head.get()).run({ hidden })
    return { normed: normed as HostTensor<'f32'>, logits: logits as HostTensor<'f32'> }
  }

  async dispose(): Promise<void> {
    const stages = [...this.#pastStages, ...this.#cellStages, ...this.#narrowStages]
    for (const program of [this.#embedding, ...stages, this.#head]) await program.dispose()
    await this.#cellPrecision?.dispose()
  }

  /** Whether the stages over floats and those over 8 bits stay open beside one another. */
  get #keepsBoth(): boolean {
    return !closesUnused(this.#options.compile)
  }

  #observes(index: number): boolean {
    const { first, end } = this.stages[index]!
    const { observed } = this.#options
    return observed !== undefined && first <= observed && observed < end
  }
}

function embeddingOutputs(decoder: Decoder, w: Weights): Record<string, Tensor> {
  return { embeddings: decoder.embed(w, input('ids', 'i64', [dim('B'), dim('T')])) }
}

function headOutputs(decoder: Decoder, w: Weights): Record<string, Tensor> {
  const normed = decoder.norm(w, input('hidden', 'f32', [dim('R'), decoder.hiddenSize]))
  return { normed, logits: decoder.head(w, normed) }
}

/** The work of a stage that reads `tokens` tokens in chunks: none attends to the chunks behind it. */
function inChunks(of: WorkOfSizes, tokens: number): Work {
  const chunks: Work[] = []
  for (let from = 0; from < tokens; from += chunkTokens)
    chunks.push(of(new Map(Object.entries({ B: 1, T: Math.min(chunkTokens, tokens - from), P: from }))))
  return addWork(...chunks.map((work) => [work, 1] as const))
}

type WorkOfSizes = (sizes: ReadonlyMap<string, number>) => Work

/** A function whose result is computed when it is first asked for. */
function once<T>(compute: () => T): () => T {
  let result: { readonly value: T } | undefined
  return () => {
    result ??= { value: compute() }
    return result.value
  }
}
