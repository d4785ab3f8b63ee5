import { requireKeys } from '../checkpoint/check.ts'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { renameKeys } from '../checkpoint/entries.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { isSwinBuffer } from '../encoders/swin-config.ts'
import { dim } from '../graph/dim.ts'
import { sigmoid } from '../graph/ops/index.ts'
import { input } from '../graph/tensor.ts'
import { Weights } from '../graph/weights.ts'
import { normalisations, toPixelValues } from '../image/normalise.ts'
import { pictureKey } from '../image/picture-key.ts'
import { resizeRgb } from '../image/resize.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import { ContentCache } from '../runtime/content-cache.ts'
import { type CompileOptions, Program } from '../runtime/program.ts'
import type { OnEvent, RunOptions } from '../runtime/run-events.ts'
import { stopwatch } from '../runtime/stopwatch.ts'
import type { TensorStore } from '../runtime/tensor-store.ts'
import { AbortError, CheckpointError, InputError } from '../tensor/errors.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { ownTurn } from '../tensor/turns.ts'
import type { DescriptionTable } from './description-table.ts'
import type { DescribedTags } from './open-tags.ts'
import { ramImageTokens, tagEmbeddings, tagLogits } from './ram.ts'
import { type RamConfig, ramConfigOf, ramShapes } from './ram-config.ts'
import { type Tag, type TagListOptions, tagIndices } from './tag-list.ts'
import { listedTags, openTable } from './tag-table.ts'

/** Tags whose descriptions are in memory together: 53 MB of RAM++'s 479 MB. */
const tagsAtOnce = 512

/** Results of some 900 pictures with all of RAM++'s tags. */
const keptBytes = 2 ** 24

/** What a tagger is loaded from. */
export interface TaggerFiles {
  /** Where the tag list lies. */
  readonly source: FileSource
  readonly checkpoint: Checkpoint
  /** The official configuration files `{ swin, q2l }`, unchecked; published checkpoints do without. */
  readonly config?: unknown
}

export interface OpenTaggerOptions extends TagListOptions {
  readonly compile: CompileOptions
  readonly onEvent?: OnEvent | undefined
  /** The caller's own tags, in place of the checkpoint's list. */
  readonly openTags?: DescribedTags | undefined
  /** Where the scores of pictures are kept beyond this process; nowhere by default. */
  readonly store?: TensorStore | undefined
}

export interface TagOptions extends RunOptions {
  /** One threshold in place of every tag's own. */
  readonly threshold?: number | undefined
  /** The only tags to look for; all by default. */
  readonly only?: readonly string[] | undefined
}

/** How probable one tag is in a picture. */
export interface TagScore {
  readonly tag: string
  readonly score: number
  readonly threshold: number
}

export interface TagResult {
  /** The tags above their thresholds, in list order. */
  readonly tags: readonly TagScore[]
  /** Every tag that was looked for, in list order. */
  readonly scores: readonly TagScore[]
  /** The tags as the published code gives them, `dog | red ball`; empty where there are none. */
  readonly text: string
  /** By phase, when the scores were computed. */
  readonly seconds: Readonly<Record<'prepare' | 'encode' | 'tag', number>>
}

/**
 * Opens a RAM or RAM++ checkpoint.
 * @throws CheckpointError `tag-list-missing`, `tag-list-length`, `weights-do-not-fit`, and what `ramConfigOf` throws;
 * EngineError
 */
export async function openTagger(files: TaggerFiles, options: OpenTaggerOptions): Promise<Tagger> {
  const { compile, onEvent, store, openTags } = options
  // Older checkpoints call the head by another name.
  const checkpoint = renameKeys(files.checkpoint, (key) => key.replace(/^vision_multi\./, 'tagging_head.'))
  const config = ramConfigOf(checkpoint, files.config)
  const { tags, table } = openTags
    ? openTable(openTags, config)
    : await listedTags(checkpoint, files.source, config, options)
  const unused = requireKeys(new Map(Object.entries(ramShapes(config))), checkpoint)
  const strange = unused.filter(({ keys }) => !keys.every(isSwinBuffer))
  if (strange.length > 0)
    onEvent?.({ phase: 'notice', message: `weights not used: ${strange.map((g) => g.pattern).join(', ')}` })

  const w = new Weights(checkpoint)
  const side = config.imageSize
  onEvent?.({ phase: 'loading', done: 0, total: 2, message: 'image encoder' })
  const pixels = input('pixels', 'f32', [1, 3, side, side])
  const encoder = await Program.compile('ram-image', { image: ramImageTokens(w, pixels, config) }, compile)
  onEvent?.({ phase: 'loading', done: 1, total: 2, message: 'tagging head' })
  const head = await compileHead(w, encoder, table, config, compile).catch(async (error: unknown) => {
    await encoder.dispose()
    throw error
  })
  return new Tagger(config, tags, table, encoder, head, store)
}

function compileHead(
  w: Weights,
  encoder: Program,
  { perTag }: DescriptionTable,
  config: RamConfig,
  compile: CompileOptions,
): Promise<Program> {
  const image = input('image', 'f32', encoder.outputs.get('image')!.shape)
  const descriptions = input('descriptions', 'f32', [dim('n'), perTag, config.encoderWidth])
  const logits = tagLogits(w, image, tagEmbeddings(w, image, descriptions), config)
  return Program.compile('ram-tags', { scores: sigmoid(logits) }, compile)
}

/** Of scores that were kept on disk. */
const noSeconds = { prepare: 0, encode: 0, tag: 0 }

/** What was computed for a picture, before any threshold. */
interface Scores extends Pick<TagResult, 'seconds'> {
  readonly values: Float32Array
}

/** A loaded RAM or RAM++: which of its tags are in a picture, and how probable each is. */
export class Tagger {
  readonly config: RamConfig
  readonly tags: readonly Tag[]
  readonly #table: DescriptionTable
  readonly #encoder: Program
  readonly #head: Program
  readonly #store: TensorStore | undefined
  readonly #kept = new ContentCache<Scores>(keptBytes, ({ values }) => values.byteLength)

  constructor(
    config: RamConfig,
    tags: readonly Tag[],
    table: DescriptionTable,
    encoder: Program,
    head: Program,
    store?: TensorStore,
  ) {
    this.config = config
    this.tags = tags
    this.#table = table
    this.#encoder = encoder
    this.#head = head
    this.#store = store
  }

  /**
   * The tags of a picture. Scores are kept by the picture's pixels: asking again, or with another threshold, computes
   * nothing.
   * @throws InputError `tag-unknown`, `option-value`; AbortError `aborted`; CheckpointError `scores-not-finite`
   */
  async tag(image: RgbImage, options: TagOptions = {}): Promise<TagResult> {
    const { threshold, only } = options
    if (threshold !== undefined && !(threshold >= 0 && threshold <= 1))
      throw new InputError('option-value', `threshold is ${threshold}; it must lie between 0 and 1.`, {
        option: 'threshold',
      })
    const indices = only ? tagIndices(this.tags, only) : [...this.tags.keys()]
    const key = `${await pictureKey(image)} ${only ? indices : 'all'} of ${this.tags.length} tags`
    const { values, seconds } = await this.#kept.get(key, async () => {
      const stored = await this.#store?.load(key)
      if (stored?.data.length === indices.length) return { values: stored.data, seconds: noSeconds }
      const computed = await this.#compute(image, indices, options)
      await this.#store?.save(key, hostTensor('f32', [indices.length], computed.values))
      return computed
    })
    const scores = indices.map((index, i): TagScore => {
      const tag = this.tags[index]!
      return { tag: tag.name, score: values[i]!, threshold: threshold ?? tag.threshold }
    })
    const tags = scores.filter((tag) => tag.score > tag.threshold)
    return { tags, scores, text: tags.map(({ tag }) => tag).join(' | '), seconds }
  }

  /** Frees both programs and their weights. */
  async dispose(): Promise<void> {
    await this.#encoder.dispose()
    await this.#head.dispose()
  }

  async #compute(image: RgbImage, indices: readonly number[], run: RunOptions): Promise<Scores> {
    const { signal, onEvent } = run
    const total = indices.length
    const clock = stopwatch()
    const pixels = ramPixels(image, this.config)
    const prepare = clock()
    onEvent?.({ phase: 'tagging', done: 0, total })
    const { image: tokens } = await this.#encoder.run({ pixels })
    const encode = clock()
    const values = new Float32Array(total)
    for (let at = 0; at < total; at += tagsAtOnce) {
      // Lets a signal in: the engine holds the event loop while it runs.
      await ownTurn()
      if (signal?.aborted) throw new AbortError('aborted', 'Tagging was stopped.', { tagsDone: at })
      onEvent?.({ phase: 'tagging', done: at, total })
      const descriptions = await this.#table.read(indices.slice(at, at + tagsAtOnce))
      const { scores } = await this.#head.run({ image: tokens!, descriptions })
      values.set(scores!.data as Float32Array, at)
    }
    if (values.some(Number.isNaN))
      throw new CheckpointError(
        'scores-not-finite',
        'The tagger computed NaN instead of probabilities: its weights hold values that are none. Pull them again.',
      )
    return { values, seconds: { prepare, encode, tag: clock() } }
  }
}

/** The picture squashed to the tagger's square and normalised: [1, 3, S, S]. */
export function ramPixels(image: RgbImage, { imageSize }: RamConfig): HostTensor<'f32'> {
  return toPixelValues([resizeRgb(image, imageSize, imageSize, 'bilinear')], normalisations.imagenet)
}
