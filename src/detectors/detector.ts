import { requireKeys } from '../checkpoint/check.ts'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { parseConfig, readJsonFile } from '../checkpoint/config.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { Weights } from '../graph/weights.ts'
import { suppressOverlaps } from '../image/box-nms.ts'
import type { Box } from '../image/boxes.ts'
import { pictureKey } from '../image/picture-key.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import { ContentCache } from '../runtime/content-cache.ts'
import type { CompileOptions } from '../runtime/program.ts'
import type { OnEvent, RunOptions } from '../runtime/run-events.ts'
import { stopwatch } from '../runtime/stopwatch.ts'
import type { TensorStore } from '../runtime/tensor-store.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { type HostTensor, hostTensor, i64 } from '../tensor/tensor.ts'
import { loadTokenizer } from '../text/load-tokenizer.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import {
  type DetectOptions,
  detectSettings,
  requireShare,
  type SimilarOptions,
  similarSettings,
} from './detect-options.ts'
import { type FoundBox, foundBoxes, queryPatch } from './owlv2-boxes.ts'
import { gridSide, type Owlv2Config, owlv2Config, owlv2Shapes } from './owlv2-config.ts'
import { type PatchValues, packPatches, unpackPatches } from './owlv2-patches.ts'
import { OWLV2_PADDING, type Owlv2PixelConfig, owlv2PixelConfig, owlv2Pixels } from './owlv2-pixels.ts'
import { Owlv2Programs } from './owlv2-programs.ts'
import { checkLabels, fitQuery, type QueryTokens, queryBatch, queryTokens } from './owlv2-queries.ts'

/** Pictures whose features are kept: 15 of the large model's, 17 MB each. */
const keptBytes = 2 ** 28

/** Lists of labels whose queries are kept: thousands of labels. */
const keptQueryBytes = 2 ** 25

/** What a detector is loaded from. */
export interface DetectorFiles {
  /** Where the tokenizer and preprocessor_config.json lie. */
  readonly source: FileSource
  readonly checkpoint: Checkpoint
  /** config.json, unchecked. */
  readonly config: unknown
}

export interface OpenDetectorOptions {
  readonly compile: CompileOptions
  readonly onEvent?: OnEvent | undefined
  /**
   * What fills the square beside a picture that is none, 0..1. 0.5 by default, as the releases of transformers until
   * late 2025 and MG-LLaVA's published boxes have it; 0 is that of the original training.
   */
  readonly padding?: number | undefined
  /** Where what was seen of pictures outlives the process: asked first, and given what was computed. */
  readonly store?: TensorStore | undefined
}

/** Something found in a picture. */
export interface Detection {
  /** In pixels of the picture, possibly beyond its edges. */
  readonly box: Box
  readonly label: string
  /** 0..1 */
  readonly score: number
}

export interface DetectResult {
  /** What scores above the threshold, in the order of the patches that found it, row by row. */
  readonly detections: readonly Detection[]
  /** The surest of all boxes, above the threshold or not. */
  readonly surest: Detection
  /** `prepare` and `encode` from when the picture was first looked at, `compare` of this call. */
  readonly seconds: Readonly<Record<'prepare' | 'encode' | 'compare', number>>
}

/** A picture as the detector sees it, whatever is looked for. */
interface Seen {
  readonly patches: PatchValues
  readonly seconds: Pick<DetectResult['seconds'], 'prepare' | 'encode'>
}

/** The architectures that can be opened, as config.json names them. */
const architectures = ['Owlv2ForObjectDetection']

/**
 * Opens an OWLv2 checkpoint (google/owlv2-*).
 * @throws CheckpointError `unknown-architecture`, `config-invalid`, `weights-do-not-fit`, `picture-size`, and what
 * `loadTokenizer` throws; InputError `option-value`; EngineError
 */
export async function openDetector(files: DetectorFiles, options: OpenDetectorOptions): Promise<Detector> {
  const { source, checkpoint } = files
  const { compile, onEvent, padding = OWLV2_PADDING, store } = options
  requireShare('padding', padding)
  requireArchitecture(files)
  const config = parseConfig(owlv2Config, files.config, `${source.name}/config.json`)
  const pixelConfig = await readPixelConfig(source, config)
  const tokenizer = await loadTokenizer(source, { className: 'CLIPTokenizer' })
  const unused = requireKeys(new Map(Object.entries(owlv2Shapes(config))), checkpoint)
  const strange = unused.filter(({ keys }) => !keys.every(isUnusedByDetection))
  if (strange.length > 0)
    onEvent?.({ phase: 'notice', message: `weights not used: ${strange.map((g) => g.pattern).join(', ')}` })
  const programs = await Owlv2Programs.compile(new Weights(checkpoint), config, compile, onEvent)
  return new Detector(config, pixelConfig, padding, tokenizer, programs, store)
}

/** CLIP's own comparison of whole pictures and texts, and buffers that are computed. */
function isUnusedByDetection(key: string): boolean {
  return /^(owlv2\.(logit_scale|visual_projection\.weight)|box_bias|.*\.position_ids)$/.test(key)
}

function requireArchitecture({ config, source }: DetectorFiles): void {
  const named = (config as { architectures?: unknown } | null)?.architectures
  const found: unknown = Array.isArray(named) ? named[0] : undefined
  if (architectures.includes(String(found))) return
  throw new CheckpointError(
    'unknown-architecture',
    `${source.name}/config.json names the architecture '${found ?? ''}', but a detector must be one of ` +
      `${architectures.join(', ')}, such as google/owlv2-base-patch16-ensemble.`,
    { found, known: architectures },
  )
}

async function readPixelConfig(source: FileSource, config: Owlv2Config): Promise<Owlv2PixelConfig> {
  const file = 'preprocessor_config.json'
  const side = config.vision_config.image_size
  const json = (await source.has(file)) ? await readJsonFile(source, file) : {}
  const given = typeof json === 'object' ? json : {}
  const pixels = parseConfig(
    owlv2PixelConfig,
    { size: { width: side, height: side }, ...given },
    `${source.name}/${file}`,
  )
  const { width, height } = pixels.size
  if (width === side && height === side) return pixels
  throw new CheckpointError(
    'picture-size',
    `${source.name}/${file} makes pictures of ${width}×${height}, but the vision tower of config.json takes ` +
      `${side}×${side}. The two files are of different models: pull both again together.`,
    { found: [width, height], expected: side },
  )
}

/** A loaded OWLv2: finds in a picture what words, or another picture, describe. */
export class Detector {
  readonly config: Owlv2Config
  readonly #pixelConfig: Owlv2PixelConfig
  readonly #padding: number
  readonly #tokenizer: Tokenizer
  readonly #programs: Owlv2Programs
  readonly #store: TensorStore | undefined
  readonly #seen = new ContentCache<Seen>(keptBytes, ({ patches }) => sizeBytes(Object.values(patches)))
  readonly #queries = new ContentCache<HostTensor<'f32'>>(keptQueryBytes, (embeds) => sizeBytes([embeds]))

  constructor(
    config: Owlv2Config,
    pixelConfig: Owlv2PixelConfig,
    padding: number,
    tokenizer: Tokenizer,
    programs: Owlv2Programs,
    store?: TensorStore,
  ) {
    this.config = config
    this.#pixelConfig = pixelConfig
    this.#padding = padding
    this.#tokenizer = tokenizer
    this.#programs = programs
    this.#store = store
  }

  /**
   * What in the picture fits one of the labels: to each patch the label that fits it best. What does not depend on
   * the labels is kept by the picture's pixels: asking for something else reads only the new labels.
   * @throws InputError `labels-missing`, `label-empty`, `label-too-long`, `option-value`; AbortError `aborted`;
   * CheckpointError `scores-not-finite`
   */
  async detect(
    image: RgbImage,
    labels: readonly string[],
    options: DetectOptions = {},
  ): Promise<DetectResult> {
    const { threshold, overlap, prompt, longLabels } = detectSettings(options)
    const names = checkLabels(labels)
    const { max_position_embeddings: length, pad_token_id: padId } = this.config.text_config
    const queries = names.map((name) => {
      const text = prompt.replaceAll('{label}', name)
      return fitQuery(name, queryTokens(this.#tokenizer, text, length, padId), length, longLabels)
    })
    const seen = await this.#see(image, options)
    const clock = stopwatch()
    const embeds = await this.#embed(queries)
    const firstIds = queries.map(({ ids }) => ids[0]!)
    const all = await this.#compare(image, seen, embeds, firstIds)
    const detections = this.#above(all, threshold).map((found) => detection(found, names))
    const kept = overlap === undefined ? detections : withoutOverlaps(detections, overlap)
    const surest = detection(surestOf(all), names)
    return { detections: kept, surest, seconds: { ...seen.seconds, compare: clock() } }
  }

  /**
   * What in the picture looks like what the query picture shows. Boxes that overlap a surer one are left out, and
   * those with less than a tenth of the surest one's score.
   * Source: OWL-ViT (arXiv 2205.06230), section 3.2; transformers 4.45 `image_guided_detection`.
   * @throws InputError `option-value`; AbortError `aborted`
   */
  async detectSimilar(image: RgbImage, query: RgbImage, options: SimilarOptions = {}): Promise<DetectResult> {
    const { threshold, overlap, label } = similarSettings(options)
    const example = await this.#see(query, options)
    const seen = await this.#see(image, options)
    const clock = stopwatch()
    const { classEmbeds, boxes } = example.patches
    const width = classEmbeds.shape[2]!
    const patch = queryPatch(classEmbeds, boxes)
    const embed = classEmbeds.data.slice(patch * width, (patch + 1) * width)
    const all = await this.#compare(image, seen, hostTensor('f32', [1, width], embed), [1])
    const surest = surestOf(all)
    const least = Math.max(threshold, 0.1 * (surest.score + 1e-6))
    const similar = this.#above(all, least).map((found) => detection(found, [label]))
    return {
      detections: withoutOverlaps(similar, overlap),
      surest: detection(surest, [label]),
      seconds: { ...seen.seconds, compare: clock() },
    }
  }

  /** Frees all programs and their weights. */
  dispose(): Promise<void> {
    return this.#programs.dispose()
  }

  async #see(image: RgbImage, run: RunOptions): Promise<Seen> {
    const key = await pictureKey(image)
    return this.#seen.get(key, () => this.#look(image, key, run))
  }

  async #look(image: RgbImage, key: string, run: RunOptions): Promise<Seen> {
    const clock = stopwatch()
    const name = `owlv2 ${key} ${this.#padding}`
    const [N, t] = [gridSide(this.config) ** 2, this.config.text_config.hidden_size]
    const stored = unpackPatches(await this.#store?.load(name), N, t)
    if (stored) return { patches: stored, seconds: { prepare: 0, encode: clock() } }
    run.onEvent?.({ phase: 'preparing', done: 0, total: 1 })
    const pixels = owlv2Pixels(image, this.#pixelConfig, this.#padding)
    const prepare = clock()
    const patches = await this.#programs.encodePixels(pixels, run)
    const encode = clock()
    await this.#store?.save(name, packPatches(patches))
    return { patches, seconds: { prepare, encode } }
  }

  /** The queries of a list of labels as unit vectors, [Q, p]. */
  #embed(queries: readonly QueryTokens[]): Promise<HostTensor<'f32'>> {
    const key = queries.map(({ ids }) => ids.join()).join(' ')
    return this.#queries.get(key, async () => {
      const { ids, mask } = queryBatch(queries)
      return (await this.#programs.encodeQueries(ids, mask)).embeds
    })
  }

  /** Every patch with its best query [Q, p]. */
  async #compare(
    image: RgbImage,
    { patches }: Seen,
    { data, shape: [Q, p] }: HostTensor<'f32'>,
    firstIds: readonly number[],
  ): Promise<FoundBox[]> {
    const queries = hostTensor('f32', [1, Q!, p!], data)
    const { logits } = await this.#programs.compare(patches, queries, i64([1, Q!], firstIds))
    const N = gridSide(this.config) ** 2
    const rows = { ...logits, shape: [N, Q!] }
    // The picture lies in the upper left of a square of its longer side.
    const side = Math.max(image.width, image.height)
    const found = foundBoxes(rows, { ...patches.boxes, shape: [N, 4] }, side, -1)
    if (found.length > 0) return found
    throw new CheckpointError(
      'scores-not-finite',
      `None of the detector's ${N} scores is a number: its weights hold NaN or infinite values. Download them again.`,
      { patches: N },
    )
  }

  #above(all: readonly FoundBox[], threshold: number): FoundBox[] {
    return all.filter(({ score }) => score > Math.fround(threshold))
  }
}

function detection({ box, score, query }: FoundBox, labels: readonly string[]): Detection {
  return { box, label: labels[query]!, score }
}

function surestOf(all: readonly FoundBox[]): FoundBox {
  return all.reduce((best, next) => (next.score > best.score ? next : best))
}

/** The detections that no surer one of the same label overlaps, in their order. */
function withoutOverlaps(detections: readonly Detection[], most: number): Detection[] {
  const kept = new Set(suppressOverlaps(detections, most))
  return detections.filter((_, index) => kept.has(index))
}

function sizeBytes(tensors: readonly HostTensor[]): number {
  return tensors.reduce((sum, { data }) => sum + data.byteLength, 0)
}
