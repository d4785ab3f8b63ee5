import { dirname, resolve } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { kindNames } from '../data/synthetic/kinds.ts'
import { InputError } from '../tensor/errors.ts'
import { planTiles, type TilingOptions } from '../tiling/tiling.ts'
import { labelKinds, teachesCells } from './cells/labels.ts'
import { fullPattern } from './lora.ts'
import { allTilings, type Tilings } from './tilings.ts'

const positive = z.number().positive()
const count = z.int().positive()

const group = z.strictObject({
  match: z.union([z.string(), z.array(z.string()).min(1)]),
  isTrained: z.boolean().optional(),
  rateFactor: positive.optional(),
  weightDecay: z.number().nonnegative().optional(),
})

const dataset = z.strictObject({
  path: z.string(),
  /** Where picture paths start; the data file's folder by default. */
  images: z.string().optional(),
  weight: positive.optional(),
})

const drawn = z.strictObject({
  /** Pictures that are drawn when they are needed. */
  synthetic: z.strictObject({
    /** Taken in turn. */
    kinds: z.array(z.enum(kindNames)).min(1),
    seed: z.int().nonnegative().default(0),
    /** How many pictures there are before the first comes again. */
    count: count.default(100_000),
    fonts: z.enum(['training', 'held-out']).optional(),
    /** The most questions of a picture. */
    questions: count.optional(),
    /** Whether all text of each picture is asked for first. */
    everything: z.boolean().optional(),
  }),
  weight: positive.optional(),
})

const copying = z.strictObject({
  /** Texts to copy, made up when they are needed: no picture. */
  copying: z.strictObject({
    seed: z.int().nonnegative().default(0),
    count: count.default(100_000),
    /** The most places of a text. */
    longest: z.int().min(4).default(64),
    /** The most of them, as a share, that are empty. */
    gaps: z.number().min(0).max(0.9).default(0.5),
  }),
  weight: positive.optional(),
})

/** One of them, told by its key: a union would not say which of its sides has a problem where. */
const source = z.looseObject({}).transform((value, { issues }) => {
  const parsed = ('synthetic' in value ? drawn : 'copying' in value ? copying : dataset).safeParse(value)
  if (parsed.success) return parsed.data
  for (const issue of parsed.error.issues) issues.push({ ...issue, input: value } as (typeof issues)[number])
  return z.NEVER
})

/** Low-rank pairs, as `LoraSettings` says. */
const lora = z.strictObject({
  targets: z.union([z.string().refine(isPattern, 'no regular expression'), z.array(z.string()).min(1)]),
  rank: count,
  alpha: positive,
  usesRslora: z.boolean().optional(),
  dropout: z.literal(0, 'dropout is not computed; only 0 is possible').optional(),
})

const tiling = z.looseObject({ strategy: z.string() })

const stage = z
  .strictObject({
    name: z.string().regex(/^[\w.-]+$/, 'a name of letters, digits, dots, dashes'),
    /** How long: updates, or times round all data. */
    steps: count.optional(),
    epochs: positive.optional(),
    /** May be left out of a stage with `lora`, which trains its pairs. */
    train: z.array(group).default([]),
    /** Puts low-rank pairs beside linear layers and trains them; other weights are frozen but for those of `train`. */
    lora: lora.optional(),
    data: z.array(source).min(1),
    /** Samples of one forward and backward pass. */
    batchSize: count.default(1),
    /** Passes whose gradients are averaged before an update. */
    microBatches: count.default(1),
    /** Passes whose samples are drawn together and cut into batches of near lengths, so that less is padded. */
    bucketBatches: count.optional(),
    optimizer: z
      .discriminatedUnion('name', [
        z.strictObject({
          name: z.literal('adamw'),
          betas: z.tuple([z.number(), z.number()]).optional(),
          epsilon: positive.optional(),
        }),
        z.strictObject({
          name: z.literal('muon'),
          momentum: z.number().nonnegative().optional(),
          /** Of AdamW, which moves what is no matrix. */
          betas: z.tuple([z.number(), z.number()]).optional(),
          epsilon: positive.optional(),
        }),
        z.strictObject({ name: z.literal('sgd'), momentum: z.number().nonnegative().optional() }),
      ])
      .default({ name: 'adamw' }),
    learningRate: positive,
    finalRate: z.number().nonnegative().default(0),
    schedule: z.enum(['constant', 'linear', 'cosine']).default('cosine'),
    /** Steps from 1 on, or a share of the stage below 1. */
    warmup: z.number().nonnegative().default(0.03),
    maxNorm: positive.optional(),
    /** `layers`: holds the inside of one layer at a time, for a second forward pass. Takes less memory and more time. */
    recompute: z.literal('layers').optional(),
    /** How pictures are cut; of several ways each sample is given one by chance. The model's own way by default. */
    tiling: z
      .union([tiling, z.array(tiling).min(1)], 'neither a strategy with its options nor a list of such')
      .optional(),
    /** The longest sequence; what is beyond is cut off. */
    maxLength: count.default(4096),
    /**
     * `caption`: the first answer alone, without what was asked (LLaVA's first stage); `cells`: visual tokens alone learn
     * the codes of the letters and shapes that they show, and no decoder is run; `conversation-and-cells`: both losses,
     * from one run of the encoder.
     */
    labels: z.enum(labelKinds).optional(),
    /** `cells`: in place of drawn pictures the decoder sees the codes of their letters, and no encoder is run. */
    pictures: z.literal('cells').optional(),
    saveEvery: count.default(200),
  })
  .refine((it) => (it.steps === undefined) !== (it.epochs === undefined), {
    message: 'either steps or epochs says how long it takes',
    path: ['steps'],
  })
  .refine(({ train, lora }) => train.length > 0 || lora !== undefined, {
    message: 'names no weights, and there is no lora',
    path: ['train'],
  })
  .refine(({ labels, pictures }) => !teachesCells(labels) || pictures === undefined, {
    message: 'cells are either learned or shown; leave labels or pictures out',
    path: ['pictures'],
  })
  .refine((it) => it.bucketBatches === undefined || it.batchSize > 1, {
    message:
      'has no effect on batches of one sample, which are never padded; leave it out or raise batchSize',
    path: ['bucketBatches'],
  })

const recipe = z
  .strictObject({
    /** A folder in its published layout, or a hub id that was pulled. */
    model: z.string(),
    /** Where everything of the run goes. */
    output: z.string(),
    /** The system to open the weights as, where config.json names another. */
    as: z.string().optional(),
    seed: z.int().nonnegative().default(0),
    stages: z.array(stage).min(1),
  })
  .superRefine(({ stages }, context) => {
    const [first, ...others] = stages.flatMap(({ lora }, i) => (lora ? [{ ...lora, i }] : []))
    for (const { i, rank, alpha, usesRslora = false } of others)
      if (rank !== first!.rank || alpha !== first!.alpha || usesRslora !== (first!.usesRslora ?? false))
        context.addIssue({
          code: 'custom',
          message: `has another rank, alpha or usesRslora than stage ${first!.i + 1}; all pairs of a run make one adapter`,
          path: ['stages', i, 'lora'],
        })
  })

/** What is trained, on what, how long: checked, with paths made absolute. */
export type Recipe = z.output<typeof recipe>
export type Stage = Recipe['stages'][number]
export type RecipeSource = Stage['data'][number]

/**
 * A recipe out of YAML (or JSON). Relative paths start at the recipe's folder.
 * @throws InputError `recipe-invalid`, whose every problem names its line
 */
export function parseRecipe(text: string, path: string): Recipe {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const problems = document.errors.map(
    ({ message, pos }) => `line ${lines.linePos(pos[0]).line}: ${message.split('\n', 1)[0]}`,
  )
  if (problems.length > 0) throw invalid(path, problems)
  const parsed = recipe.safeParse(document.toJS())
  const lineOf = (keys: readonly PropertyKey[]): number => {
    for (let depth = keys.length; depth >= 0; depth--) {
      const node = document.getIn(keys.slice(0, depth), true) as
        | { range?: [number, number, number] }
        | undefined
      if (node?.range) return lines.linePos(node.range[0]).line
    }
    return 1
  }
  if (!parsed.success)
    throw invalid(
      path,
      parsed.error.issues.map((issue) => {
        const [unknown] = issue.code === 'unrecognized_keys' ? issue.keys : []
        const line = lineOf(unknown === undefined ? issue.path : [...issue.path, unknown])
        return `line ${line}: ${issue.path.join('.')} ${issue.message}`
      }),
    )
  for (const [i, { tiling }] of parsed.data.stages.entries())
    for (const one of tiling ? allTilings(tiling as Tilings) : [])
      checkTiling(one, path, lineOf(['stages', i, 'tiling']))
  return absolute(parsed.data, dirname(resolve(path)))
}

function isPattern(text: string): boolean {
  try {
    fullPattern(text)
    return true
  } catch {
    return false
  }
}

function checkTiling(tiling: TilingOptions, path: string, line: number): void {
  try {
    planTiles({ width: 1, height: 1 }, tiling)
  } catch (error) {
    throw invalid(path, [`line ${line}: ${(error as Error).message}`])
  }
}

function absolute(recipe: Recipe, folder: string): Recipe {
  return {
    ...recipe,
    // A hub id has no dot or slash at its beginning and is no path.
    model: /^[./~]/.test(recipe.model) ? resolve(folder, recipe.model) : recipe.model,
    output: resolve(folder, recipe.output),
    stages: recipe.stages.map((stage) => ({
      ...stage,
      data: stage.data.map((source) => absoluteSource(source, folder)),
    })),
  }
}

function absoluteSource(source: RecipeSource, folder: string): RecipeSource {
  if (!('path' in source)) return source
  const { path, images, ...rest } = source
  return {
    ...rest,
    path: resolve(folder, path),
    ...(images !== undefined && { images: resolve(folder, images) }),
  }
}

function invalid(path: string, problems: readonly string[]): InputError {
  return new InputError('recipe-invalid', `${path} is no recipe:\n  ${problems.join('\n  ')}`, {
    path,
    problems,
  })
}
