import { requireKeys } from '../checkpoint/check.ts'
import { parseConfig } from '../checkpoint/config.ts'
import type { Decoder } from '../decoders/decoder.ts'
import { DecoderPrograms } from '../decoders/programs.ts'
import { decoderOf } from '../decoders/registry.ts'
import { DecoderSequence } from '../decoders/sequence.ts'
import { dim } from '../graph/dim.ts'
import { input } from '../graph/tensor.ts'
import { Weights } from '../graph/weights.ts'
import { normalisations } from '../image/normalise.ts'
import { meanColour, pad2square } from '../image/pad2square.ts'
import { Program } from '../runtime/program.ts'
import { AbortError, CheckpointError, InputError } from '../tensor/errors.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { loadTokenizer } from '../text/load-tokenizer.ts'
import { chatPrompt, PICTURE_PLACEHOLDER, PICTURE_TOKENS } from '../text/picture-tokens.ts'
import { type ConversationTemplate, conversationTemplate, stopText } from '../text/templates.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import type { TilePlan } from '../tiling/plan.ts'
import { planTiles, type TilingOptions } from '../tiling/tiling.ts'
import { type InternVlConfig, internVlConfig, internVlShapes, tokensPerTile } from './internvl-config.ts'
import { InternVlState } from './internvl-state.ts'
import { internVlVision } from './internvl-vision.ts'
import type { ModelFiles, OpenOptions } from './model-files.ts'
import { compressScales } from './scale-compression.ts'
import type {
  Conversation,
  DecodingState,
  Picture,
  PreparedConversation,
  RunOptions,
  System,
  VisualLayout,
} from './system.ts'
import { padLeft, selectTokens, tilePixels, visualSpans, writeVisualTokens } from './visual-input.ts'

/** What a system built on InternVL2 does its own way. */
export interface InternVlVariant {
  readonly name: string
  /** How pictures are cut unless the caller says otherwise. */
  readonly tiling: (config: InternVlConfig) => TilingOptions
  /** How a question without placeholders names several pictures, the first of which has number `first`. */
  readonly severalPictures: (count: number, first: number) => string
  /** Whether scale compression can be asked for. */
  readonly canCompress: boolean
}

const internVl2Variant: InternVlVariant = {
  name: 'internvl2',
  tiling: (config) =>
    config.dynamic_image_size
      ? {
          strategy: 'dynamic',
          minTiles: config.min_dynamic_patch,
          maxTiles: config.max_dynamic_patch,
          usesThumbnail: config.use_thumbnail,
        }
      : { strategy: 'single' },
  severalPictures: (count, first) =>
    Array.from({ length: count }, (_, i) => `Image-${first + i}: ${PICTURE_PLACEHOLDER}\n`).join(''),
  canCompress: false,
}

/** InternVL 1.5 and InternVL2: tiles → InternViT → pixel shuffle and MLP → placeholders of the prompt → decoder. */
export function openInternVl2(files: ModelFiles, options: OpenOptions): Promise<System> {
  return openInternVl(files, options, internVl2Variant)
}

/** Loads a checkpoint in InternVL's layout. @throws CheckpointError, EngineError */
export async function openInternVl(
  files: ModelFiles,
  { compile, onEvent }: OpenOptions,
  variant: InternVlVariant,
): Promise<System> {
  const where = `${files.source.name}/config.json`
  const config = parseConfig(internVlConfig, files.config, where)
  const decoder = decoderOf(config.llm_config, `${where} (llm_config)`)
  const unused = requireKeys(new Map(Object.entries(internVlShapes(config, decoder))), files.checkpoint)
  if (unused.length > 0)
    onEvent?.({ phase: 'notice', message: `weights not used: ${unused.map((g) => g.pattern).join(', ')}` })
  const tokenizer = await loadTokenizer(files.source)
  const template = conversationTemplate(config.template)
  const weights = new Weights(files.checkpoint)

  onEvent?.({ phase: 'loading', done: 0, total: 4, message: 'vision tower' })
  const pixels = input('pixels', 'f32', [dim('N'), 3, config.tileSize, config.tileSize])
  const vision = await Program.compile(
    'vision',
    { features: internVlVision(weights, pixels, config) },
    compile,
  )
  const decoderPrograms = await DecoderPrograms.compile(decoder, weights.at('language_model'), {
    compile,
    // Compression looks into the second block, so the chain is cut behind it: the pre-pass runs no further.
    ...(variant.canCompress && decoder.layers > 2 && { cuts: [2] }),
    ...(variant.canCompress && decoder.layers >= 2 && { observed: 1 }),
    onProgram: (done, total) =>
      onEvent?.({ phase: 'loading', done: done + 1, total: total + 1, message: 'language model' }),
  }).catch(async (error: unknown) => {
    await vision.dispose()
    throw error
  })
  return new InternVlSystem(variant, config, decoder, tokenizer, template, vision, decoderPrograms)
}

class InternVlSystem implements System {
  readonly name: string
  readonly tokenizer: Tokenizer
  readonly vocabSize: number
  readonly stopIds: readonly number[]
  readonly stopTexts: readonly string[]
  readonly tiling: TilingOptions
  readonly #variant: InternVlVariant
  readonly #config: InternVlConfig
  readonly #template: ConversationTemplate
  readonly #vision: Program
  readonly #programs: DecoderPrograms
  readonly #contextId: number
  readonly #padId: number

  constructor(
    variant: InternVlVariant,
    config: InternVlConfig,
    decoder: Decoder,
    tokenizer: Tokenizer,
    template: ConversationTemplate,
    vision: Program,
    programs: DecoderPrograms,
  ) {
    this.name = variant.name
    this.tokenizer = tokenizer
    this.vocabSize = decoder.vocabSize
    this.tiling = variant.tiling(config)
    this.stopTexts = [stopText(template)]
    this.stopIds = [tokenId(tokenizer, stopText(template))]
    this.#variant = variant
    this.#config = config
    this.#template = template
    this.#vision = vision
    this.#programs = programs
    this.#contextId = tokenId(tokenizer, PICTURE_TOKENS.context)
    this.#padId = tokenizer.padId ?? 0
  }

  prepare(conversation: Conversation): PreparedConversation {
    const { compression } = conversation
    if (conversation.question.trim() === '')
      throw new InputError('question-empty', 'The question is empty. Ask something about the picture.')
    if (compression && !this.#variant.canCompress)
      throw new InputError(
        'option-without-effect',
        `Compression (SCM) is Mini-Monkey's; the model is ${this.name} and does not have it. Leave the option out.`,
        { option: 'compression', system: this.name },
      )
    checkKeepRatio(compression?.keepRatio)
    const pictures = this.#config.pad2square ? conversation.pictures.map(padded) : conversation.pictures
    const plans = pictures.map(({ image }) => planTiles(image, this.#tiling(conversation)))
    if (compression) checkCompressible(plans)
    const perTile = tokensPerTile(this.#config)
    const counts = plans.map((plan) => plan.tiles.length * perTile)
    const written = this.#withPlaceholders(conversation)
    const prompt = chatPrompt(this.#template, written, counts)
    const promptIds = this.tokenizer.encode(prompt)
    const placeholders = promptIds.flatMap((id, position) => (id === this.#contextId ? [position] : []))
    const expected = counts.reduce((sum, count) => sum + count, 0)
    if (placeholders.length !== expected)
      throw new InputError(
        'image-token-count',
        `The prompt has ${placeholders.length} image tokens but the tiles give ${expected}. ` +
          `Remove ${PICTURE_TOKENS.context} from the question.`,
        { found: placeholders.length, expected },
      )
    return {
      question: written.question,
      promptIds,
      layout: { promptLength: promptIds.length, spans: visualSpans(placeholders, plans, perTile) },
      pictures: plans.map((plan, i) => ({ name: pictures[i]!.name, plan, visualTokens: counts[i]! })),
      compression,
      pixels: tilePixels(pictures, plans, normalisations.imagenet),
      tileCount: plans.reduce((sum, plan) => sum + plan.tiles.length, 0),
    }
  }

  start(prepared: PreparedConversation, run: RunOptions = {}): Promise<DecodingState> {
    return this.startBatch([prepared], run)
  }

  async startBatch(batch: readonly PreparedConversation[], run: RunOptions = {}): Promise<DecodingState> {
    const clock = stopwatch()
    const seconds = { encode: 0, compress: 0 }
    const rows: HostTensor<'f32'>[] = []
    const layouts: VisualLayout[] = []
    for (const prepared of batch) {
      const features = await this.#encode(prepared, run)
      const embeddings = await this.#programs.embed([prepared.promptIds])
      if (features) writeVisualTokens(embeddings, features, prepared.promptIds, this.#contextId)
      seconds.encode += clock()
      const layout = await this.#compress(prepared, embeddings, run)
      layouts.push(layout)
      rows.push(layout.keptPositions ? selectTokens(embeddings, layout.keptPositions) : embeddings)
      seconds.compress += clock()
    }
    const { embeddings, padding } = padLeft(rows, await this.#programs.embed([[this.#padId]]))
    const total = embeddings.shape[1]!
    const sequence = new DecoderSequence(this.#programs, { padding })
    run.onEvent?.({ phase: 'prefill', done: 0, total })
    const { hidden, taps } = await sequence.extend(embeddings, {
      signal: run.signal,
      onTokens: (done) => run.onEvent?.({ phase: 'prefill', done, total }),
    })
    const state = new InternVlState(sequence, layouts, taps)
    await state.readLogits(hidden)
    state.timings = { prepare: 0, ...seconds, prefill: clock() }
    return state
  }

  async dispose(): Promise<void> {
    await this.#vision.dispose()
    await this.#programs.dispose()
  }

  /** All tiles' visual tokens [N, T, H], one tile a run: larger batches are slower (engine facts, section 4). */
  async #encode(
    prepared: PreparedConversation,
    { signal, onEvent }: RunOptions,
  ): Promise<HostTensor<'f32'> | undefined> {
    const total = prepared.tileCount
    if (total === 0) return undefined
    const parts: Float32Array[] = []
    let shape: readonly number[] = []
    for (let tile = 0; tile < total; tile++) {
      if (signal?.aborted) throw new AbortError('aborted', 'The run was stopped.', { tilesDone: tile })
      onEvent?.({ phase: 'encoding', done: tile, total })
      const { features } = await this.#vision.run({ pixels: prepared.pixels(tile, tile + 1) })
      parts.push(features!.data as Float32Array)
      shape = features!.shape
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    const data = new Float32Array(total * parts[0]!.length)
    parts.forEach((part, i) => {
      data.set(part, i * part.length)
    })
    return hostTensor('f32', [total, shape[1]!, shape[2]!], data)
  }

  /** The layout after compression: only the first picture's detailed tiles, and nothing in a prompt without pictures. */
  async #compress(
    prepared: PreparedConversation,
    embeddings: HostTensor<'f32'>,
    run: RunOptions,
  ): Promise<VisualLayout> {
    const { layout, pictures, compression } = prepared
    if (!compression || layout.spans.length === 0) return layout
    const grid = pictures[0]!.plan.detailedGrid!
    const high = grid.columns * grid.rows * tokensPerTile(this.#config)
    const first = layout.spans[0]!.start
    const { keptPositions } = await compressScales(this.#programs, embeddings, first, high, compression, run)
    return { ...layout, keptPositions }
  }

  #tiling({ tiling }: Conversation): TilingOptions {
    const chosen = tiling ?? this.tiling
    if (chosen.strategy === 's2')
      throw new InputError(
        'tiling-needs-projector',
        'S2 concatenates scales along channels, which needs a projector trained for it; this checkpoint has none.',
      )
    return { ...chosen, tileSize: this.#config.tileSize }
  }

  /** Puts placeholders before a question that has none for the pictures which no earlier turn showed. */
  #withPlaceholders({ question, history = [], system, pictures }: Conversation) {
    const shown = history.reduce((sum, [asked]) => sum + asked.split(PICTURE_PLACEHOLDER).length - 1, 0)
    const added = question.includes(PICTURE_PLACEHOLDER) ? 0 : Math.max(0, pictures.length - shown)
    const placeholders =
      pictures.length === 1
        ? `${PICTURE_PLACEHOLDER}\n`
        : this.#variant.severalPictures(added, pictures.length - added + 1)
    const chosen = system ?? this.#config.system_message ?? undefined
    return {
      question: added > 0 ? placeholders + question : question,
      history,
      ...(chosen !== undefined && { system: chosen }),
    }
  }
}

function padded(picture: Picture): Picture {
  return { ...picture, image: pad2square(picture.image, meanColour(normalisations.imagenet)) }
}

/** Only the first picture is compressed; a prompt without pictures is left as it is. */
function checkCompressible([plan]: readonly TilePlan[]): void {
  if (plan && !plan.detailedGrid)
    throw new InputError(
      'option-without-effect',
      `Compression drops tokens of the detailed tiles, which the tiling '${plan.strategy}' does not have. ` +
        'Use the msac tiling, or leave compression out.',
      { option: 'compression', strategy: plan.strategy },
    )
}

function checkKeepRatio(ratio: number | undefined): void {
  if (ratio !== undefined && !(ratio > 0 && ratio <= 1))
    throw new InputError('keep-ratio', `The keep ratio is ${ratio}; it must be above 0 and at most 1.`, {
      ratio,
    })
}

function tokenId(tokenizer: Tokenizer, token: string): number {
  const id = tokenizer.idOf(token)
  if (id === undefined)
    throw new CheckpointError(
      'token-missing',
      `The tokenizer has no token '${token}', which the model needs. Its files are of another model or incomplete.`,
      { token },
    )
  return id
}

/** Seconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now()
  return () => {
    const now = performance.now()
    const seconds = (now - last) / 1000
    last = now
    return seconds
  }
}
