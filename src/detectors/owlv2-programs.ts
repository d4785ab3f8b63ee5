import { endPositions } from '../encoders/clip-text.ts'
import { type Dim, dim } from '../graph/dim.ts'
import { input, type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import type { NamedTensors } from '../runtime/engine.ts'
import { type CompileOptions, Program } from '../runtime/program.ts'
import type { OnEvent, RunOptions } from '../runtime/run-events.ts'
import { AbortError } from '../tensor/errors.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { ownTurn } from '../tensor/turns.ts'
import { owlv2Embeddings, owlv2Features, owlv2Layers, owlv2Text } from './owlv2.ts'
import { gridSide, type Owlv2Config } from './owlv2-config.ts'
import { owlv2Heads, owlv2Logits } from './owlv2-heads.ts'
import type { PatchValues } from './owlv2-patches.ts'

/** The large model takes one to two seconds a layer on two cores: a run can be stopped after each few. */
const layersPerRun = 4

/** At most this many queries are read at once, so that memory stays bounded for thousands of labels. */
const queriesPerRun = 64

/**
 * OWLv2 compiled: the vision tower in pieces, the heads, the text tower, the comparison. A precision other than float32
 * is that of the vision tower, where the time goes; boxes near the border hang on the last bits of the heads.
 */
export class Owlv2Programs {
  readonly #config: Owlv2Config
  readonly #vision: readonly Program[]
  readonly #heads: Program
  readonly #text: Program
  readonly #logits: Program

  private constructor(
    config: Owlv2Config,
    vision: readonly Program[],
    heads: Program,
    text: Program,
    logits: Program,
  ) {
    this.#config = config
    this.#vision = vision
    this.#heads = heads
    this.#text = text
    this.#logits = logits
  }

  /** @throws EngineError */
  static async compile(
    w: Weights,
    config: Owlv2Config,
    compile: CompileOptions,
    onEvent?: OnEvent,
  ): Promise<Owlv2Programs> {
    const pieces = visionPieces(w, config)
    const total = pieces.length + 3
    const done: Program[] = []
    const exact: CompileOptions = { ...compile, precision: undefined }
    const next = async (
      name: string,
      outputs: Readonly<Record<string, Tensor>>,
      options = exact,
    ): Promise<Program> => {
      onEvent?.({ phase: 'loading', done: done.length, total, message: 'detector' })
      const program = await Program.compile(name, outputs, options)
      done.push(program)
      return program
    }
    try {
      const vision: Program[] = []
      for (const [i, y] of pieces.entries()) vision.push(await next(`owlv2-vision-${i}`, { y }, compile))
      const heads = await next('owlv2-heads', headOutputs(w, config))
      const text = await next('owlv2-text', textOutputs(w, config))
      const logits = await next('owlv2-logits', logitOutputs(config))
      return new Owlv2Programs(config, vision, heads, text, logits)
    } catch (error) {
      await Promise.all(done.map((program) => program.dispose()))
      throw error
    }
  }

  /**
   * Everything about pictures that does not depend on what is looked for, and what was named by `tap` where the
   * programs were compiled with taps. pixels [B, 3, S, S]. @throws AbortError
   */
  async encodePixels(
    pixels: HostTensor<'f32'>,
    { signal, onEvent }: RunOptions = {},
  ): Promise<PatchValues & NamedTensors> {
    const total = this.#config.vision_config.num_hidden_layers
    let x: HostTensor = pixels
    let named: NamedTensors = {}
    for (const [i, program] of this.#vision.entries()) {
      if (signal?.aborted)
        throw new AbortError('aborted', 'Detection was stopped.', { layersDone: i * layersPerRun })
      onEvent?.({ phase: 'detecting', done: i * layersPerRun, total })
      const { y, ...taps }: NamedTensors = await program.run({ x }, undefined, { signal })
      x = y!
      named = { ...named, ...taps }
      await ownTurn()
    }
    const values = await this.#heads.run({ hidden: x }, undefined, { signal })
    return { ...named, ...values } as PatchValues & NamedTensors
  }

  /** Queries as unit vectors: ids and mask [R, T] → embeds [R, p]; with taps those of the last `queriesPerRun` rows. */
  async encodeQueries(
    ids: HostTensor<'i64'>,
    mask: HostTensor<'i64'>,
  ): Promise<{ readonly embeds: HostTensor<'f32'> } & NamedTensors> {
    const [R, T] = ids.shape as [number, number]
    const width = this.#config.projection_dim
    const embeds = new Float32Array(R * width)
    let named: NamedTensors = {}
    for (let from = 0; from < R; from += queriesPerRun) {
      const to = Math.min(R, from + queriesPerRun)
      const rows = (x: HostTensor<'i64'>) => hostTensor('i64', [to - from, T], x.data.slice(from * T, to * T))
      named = await this.#text.run({ ids: rows(ids), mask: rows(mask), ends: endPositions(rows(ids)) })
      embeds.set(named.embeds!.data as Float32Array, from * width)
    }
    return { ...named, embeds: hostTensor('f32', [R, width], embeds) }
  }

  /**
   * How well each patch fits each query: queries [B, Q, p], firstIds [B, Q] → logits [B, N, Q]; filler queries, whose
   * first id is 0, get the lowest float. With taps also the patches' directions.
   */
  async compare(
    { classEmbeds, logitShift, logitScale }: PatchValues,
    queries: HostTensor<'f32'>,
    firstIds: HostTensor<'i64'>,
  ): Promise<{ readonly logits: HostTensor<'f32'> } & NamedTensors> {
    const feeds = { classEmbeds, logitShift, logitScale, queries, firstIds }
    const values = await this.#logits.run(feeds)
    return { ...values, logits: values.logits as HostTensor<'f32'> }
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#vision, this.#heads, this.#text, this.#logits].map((p) => p.dispose()))
  }
}

/** The vision tower cut behind every few layers: what each piece makes of its input `x`. */
function visionPieces(w: Weights, config: Owlv2Config): Tensor[] {
  const { image_size: S, num_hidden_layers: layers } = config.vision_config
  const starts = Array.from({ length: Math.ceil(layers / layersPerRun) }, (_, i) => i * layersPerRun)
  return starts.map((from) => {
    const x =
      from === 0
        ? owlv2Embeddings(w, input('x', 'f32', [dim('B'), 3, S, S]), config)
        : hiddenInput('x', config)
    return owlv2Layers(w, x, config, from, Math.min(layers, from + layersPerRun))
  })
}

/** A hidden state of the vision tower, [B, 1 + N, d]. */
function hiddenInput(name: string, config: Owlv2Config): Tensor {
  return input(name, 'f32', [dim('B'), 1 + gridSide(config) ** 2, config.vision_config.hidden_size])
}

function headOutputs(w: Weights, config: Owlv2Config) {
  const features = tap('image_embeds', owlv2Features(w, hiddenInput('hidden', config), config))
  return { ...owlv2Heads(w, features, config) }
}

function textOutputs(w: Weights, config: Owlv2Config) {
  const [rows, T]: [Dim, number] = [dim('R'), config.text_config.max_position_embeddings]
  const ids = input('ids', 'i64', [rows, T])
  const mask = input('mask', 'i64', [rows, T])
  return { embeds: owlv2Text(w, ids, mask, input('ends', 'i64', [rows]), config) }
}

function logitOutputs(config: Owlv2Config) {
  const [B, Q] = [dim('B'), dim('Q')]
  const [N, t] = [gridSide(config) ** 2, config.text_config.hidden_size]
  const patches = {
    classEmbeds: input('classEmbeds', 'f32', [B, N, t]),
    logitShift: input('logitShift', 'f32', [B, N, 1]),
    logitScale: input('logitScale', 'f32', [B, N, 1]),
  }
  return {
    logits: owlv2Logits(patches, input('queries', 'f32', [B, Q, t]), input('firstIds', 'i64', [B, Q])),
  }
}
