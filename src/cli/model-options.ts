import { type GenerationOptions, generationSettings } from '../generate/options.ts'
import type { EncodedPicture, NodeModel } from '../model/load-node.ts'
import type { AskOptions } from '../model/model.ts'
import type { BoxChoice } from '../model/objects.ts'
import type { CompressionOptions, OnEvent, Picture, System } from '../systems/system.ts'
import type { TilingOptions } from '../tiling/tiling.ts'
import { flagName } from './flag-name.ts'
import { whenAborted } from './interrupt.ts'
import {
  choice,
  flag,
  grouped,
  number,
  type Option,
  text,
  texts,
  type Values,
  wholeNumber,
} from './option.ts'
import type { StatusLine } from './status-line.ts'
import {
  given,
  namedTilingFlags,
  presetPicture,
  strategyOption,
  tilingFlagName,
  tilingFlags,
  tilingOptions,
} from './tiling-options.ts'
import { UsageError } from './usage-error.ts'

const compressionModes = ['official', 'corrected'] as const

const compress: Option<(typeof compressionModes)[number]> = {
  ...choice(
    'MODE',
    compressionModes,
    'drop half of the detailed tiles’ tokens before decoding (Mini-Monkey’s SCM)',
  ),
  bare: 'official',
}

/** Files of boxes; false where `--no-boxes` stands. */
const boxes: Option<readonly string[] | false> = {
  value: 'FILE',
  help: 'where objects are, for MG-LLaVA: a JSON list of { box, label, score } (one file a picture, in their order)',
  parse: (given, before) => [...(before || []), given],
}

/** Which model, and how it computes. */
export const namingOptions = {
  model: text(
    'MODEL',
    'a folder in its published layout, or a hub id that was pulled (default $PANOPTES_MODEL)',
  ),
  as: text(
    'SYSTEM',
    'open the weights as this system, where config.json names another (such as mini-monkey)',
  ),
  threads: wholeNumber('N', 'threads of one operator (default all cores)', 1, 1024),
  precision: choice(
    'PRECISION',
    ['fp32', 'int8', 'int4'],
    'how weights are multiplied (default fp32): int8 is several times faster, int4 decodes fastest',
  ),
  kvCache: choice('PRECISION', ['fp32', 'int8'], 'how the tokens of an answer are cached (default fp32)'),
}

/** How pictures are looked at. */
export const lookOptions = {
  ...grouped('How pictures are looked at', {
    tiling: strategyOption('how pictures are cut (default: the model’s own way)'),
    compress,
    keepRatio: number(
      'SHARE',
      'with --compress: share of the tokens that stays, above 0 to 1 (default 0.5)',
      0,
      1,
    ),
  }),
  ...tilingFlags,
}

type LookFlags = Values<typeof lookOptions>

/** The option of the commands that can choose a look. */
export const budgetOption = grouped('How pictures are looked at', {
  budget: text(
    'BUDGET',
    'take the finest look that fits: seconds until the answer begins (10s, 2min) or tokens (4000-tokens)',
  ),
})

/** The options of every command that runs a model. */
export const modelOptions = {
  ...namingOptions,
  adapter: text('DIR', 'a LoRA adapter as peft saves it, merged into the model’s weights'),
  device: choice('DEVICE', ['cpu', 'webgpu', 'cuda'], 'where it runs (default cpu)'),
  engine: choice(
    'ENGINE',
    ['native', 'onnxruntime-node'],
    'the binding to ONNX Runtime (default native where it loads, or $PANOPTES_ENGINE)',
  ),
  visualCache: text('DIR', 'keep visual tokens in this folder: a picture that was seen is not encoded again'),
  systemPrompt: text('TEXT', 'replace the system text of the model’s template'),
  quiet: flag('no progress and no report; warnings and errors remain'),
  ...lookOptions,
  ...grouped('What is told of objects (MG-LLaVA)', {
    boxes,
    noBoxes: flag('tell nothing of objects; by default they are found by a tagger and a detector'),
    tagger: text('MODEL', 'who says what is in a picture (default RAM++ as published)'),
    detector: text('MODEL', 'who says where it is (default google/owlv2-large-patch14-ensemble)'),
  }),
  ...grouped('How the answer is written', {
    maxNewTokens: wholeNumber('N', 'most tokens of an answer (default 512)'),
    temperature: number('T', '0 takes the likeliest token (default); above 0 tokens are drawn', 0),
    topK: wholeNumber('K', 'draw among the K likeliest tokens'),
    topP: number('P', 'draw among the likeliest tokens with this probability together', 0, 1),
    minP: number('P', 'draw among tokens with at least this share of the likeliest one’s probability', 0, 1),
    repetitionPenalty: number('X', 'above 1 makes tokens less likely that were used (default 1)', 0),
    seed: wholeNumber('N', 'makes drawing repeatable', 0),
    stop: texts('TEXT', 'end the answer before this text'),
  }),
}

/** The options of a command that answers once. */
export const answerOptions = grouped('How the answer is written', {
  beams: wholeNumber('N', 'follow N answers at a time and give the best (default 1)', 1, 64),
  lengthPenalty: number(
    'X',
    'with --beams: above 0 favours long answers (default 1)',
    Number.NEGATIVE_INFINITY,
  ),
  n: wholeNumber('N', 'how many answers (default 1)', 1, 64),
})

type AnswerFlags = Partial<Values<typeof answerOptions>>

export type ModelFlags = Values<typeof modelOptions>

/** The model that the flags or the environment name. @throws UsageError when none is named */
export function modelNamed({ model = process.env.PANOPTES_MODEL }: Pick<ModelFlags, 'model'>): string {
  if (model) return model
  throw new UsageError(
    'No model is named. Give --model with a folder or a hub id (panoptes models lists those on this machine), ' +
      'or set PANOPTES_MODEL.',
  )
}

/** Loads the model that the flags name. @throws UsageError when none is named */
export async function loadNamed(
  flags: ModelFlags,
  onEvent: OnEvent,
  signal: AbortSignal,
): Promise<NodeModel> {
  const model = modelNamed(flags)
  const { load } = await import('../model/load-node.ts')
  const { device, engine, threads, precision, kvCache, as, adapter } = flags
  const { visualCache: visualCacheDir, tagger, detector } = flags
  const objects = { tagger, detector }
  const compile = { device, engine, threads, precision, kvCache }
  const options = { ...compile, as, adapter, visualCacheDir, objects, onEvent, signal }
  const loading = load(model, options)
  return Promise.race([loading, whenAborted(signal)])
}

/** Checks what can be checked before anything is loaded. @throws UsageError, InputError */
export function checkModelFlags(flags: ModelFlags & AnswerFlags): void {
  generationSettings(generationOptions(flags))
  checkLookFlags(flags)
}

/** @throws UsageError, InputError */
export function checkLookFlags(flags: LookFlags): void {
  if (flags.keepRatio !== undefined && flags.compress === undefined)
    throw new UsageError('--keep-ratio has no effect without --compress. Add --compress, or leave it out.')
  if (flags.tiling) tilingOptions(flags.tiling, flags)
}

/** Refuses flags about pictures where there is none. @throws UsageError */
export function checkNoLook(flags: ModelFlags & { readonly budget?: string | undefined }): void {
  const { tiling, compress, visualCache, budget } = flags
  const named = [
    ...Object.keys(given({ tiling, compress, budget, visualCache })).map((key) => flagName(key)),
    ...namedTilingFlags(flags).map(tilingFlagName),
  ]
  if (named.length > 0)
    throw new UsageError(`${named[0]} has no effect without a picture. Name one, or leave it out.`)
}

/** Refuses what says how objects are found for a model that is told of none; boxes it refuses itself. @throws UsageError */
function checkObjectFlags(flags: ModelFlags, system: System): void {
  const { boxes, tagger, detector } = flags
  const noBoxes = boxes === false || flags.noBoxes
  const named = noBoxes || tagger !== undefined || detector !== undefined
  if (!named || system.usesBoxes) return
  throw new UsageError(
    `--no-boxes, --tagger and --detector have no effect for ${system.name}, ` +
      'which is told of no objects. Leave them out.',
  )
}

/** What the flags say about looking and writing, for a model that is loaded. @throws UsageError */
export function askOptions(flags: ModelFlags & AnswerFlags, model: NodeModel): AskOptions<EncodedPicture> {
  const { systemPrompt } = flags
  checkObjectFlags(flags, model.system)
  return { ...generationOptions(flags), ...askedLook(flags, model.system), ...given({ systemPrompt }) }
}

/** How the flags say that pictures are looked at. @throws UsageError */
export function askedLook(
  flags: LookFlags,
  system: System,
): { tiling?: TilingOptions; compression?: CompressionOptions } {
  const { compress: mode, keepRatio } = flags
  return {
    ...given({ tiling: chosenTiling(flags, system) }),
    ...(mode && { compression: { mode, ...given({ keepRatio }) } }),
  }
}

/** The generation options among the flags; those of beams and of several answers are not chat's. */
function generationOptions(flags: ModelFlags & AnswerFlags): GenerationOptions {
  const { maxNewTokens, temperature, topK, topP, minP, repetitionPenalty, seed, stop } = flags
  const { beams, lengthPenalty, n } = flags
  const all = {
    maxNewTokens,
    temperature,
    topK,
    topP,
    minP,
    repetitionPenalty,
    seed,
    stop,
    beams,
    lengthPenalty,
    n,
  }
  return given(all)
}

/** The tiling that the flags ask for; those without `--tiling` change the model's own. */
function chosenTiling(flags: LookFlags, system: System): TilingOptions | undefined {
  const named = namedTilingFlags(flags)
  if (flags.tiling === undefined && named.length === 0) return undefined
  const strategy = flags.tiling ?? system.tiling.strategy
  const options = tilingOptions(strategy, flags)
  return strategy === system.tiling.strategy && named.length > 0
    ? ({ ...system.tiling, ...options } as TilingOptions)
    : options
}

/** The boxes of the pictures that the flags name files for. @throws UsageError, InputError */
export async function readBoxes(
  { boxes: paths }: ModelFlags,
  pictures: readonly Picture[],
): Promise<BoxChoice | undefined> {
  if (!paths) return paths
  if (paths.length > pictures.length)
    throw new UsageError(
      `${paths.length} box files are named, but ${pictures.length} pictures. Give --boxes once a picture at most.`,
    )
  const { parseBoxFile } = await import('../detectors/box-file.ts')
  return Promise.all(
    paths.map(async (path, i) => parseBoxFile(await readText(path), pictures[i]!.image, path)),
  )
}

async function readText(path: string): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      error.code === 'ENOENT'
        ? `There is no box file ${path}.`
        : `The box file ${path} cannot be read (${error.code ?? error.message}).`,
    )
  })
}

/** The picture files, decoded; a preset of the msac tiling may ask for more pixels. */
export async function readPictures(
  paths: readonly string[],
  flags: LookFlags,
  status: StatusLine,
): Promise<Picture[]> {
  const [{ decodeImage }, { decodeLosses }] = await Promise.all([
    import('../image/decode.ts'),
    import('../image/decode-losses.ts'),
  ])
  const pictures: Picture[] = []
  for (const path of paths) {
    const { image, info } = await decodeImage(path)
    for (const loss of decodeLosses(info)) status.note(`${path}: ${loss}`)
    pictures.push({ name: path, image: await presetPicture(image, flags.preset) })
  }
  return pictures
}
