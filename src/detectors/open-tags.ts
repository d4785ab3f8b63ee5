import { z } from 'zod'
import { requireKeys } from '../checkpoint/check.ts'
import { parseConfig } from '../checkpoint/config.ts'
import { clipTextConfig, clipTextShapes } from '../encoders/clip-config.ts'
import { clipText, endPositions } from '../encoders/clip-text.ts'
import { dim } from '../graph/dim.ts'
import { input } from '../graph/tensor.ts'
import { prefixShapes, Weights } from '../graph/weights.ts'
import { linear } from '../nn/linear.ts'
import { unit } from '../nn/unit.ts'
import { type CompileOptions, Program } from '../runtime/program.ts'
import type { RunOptions } from '../runtime/run-events.ts'
import { AbortError, InputError } from '../tensor/errors.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { loadTokenizer } from '../text/load-tokenizer.ts'
import { fitQuery, queryBatch, queryTokens } from './owlv2-queries.ts'
import type { Tag } from './tag-list.ts'
import type { TaggerFiles } from './tagger.ts'

/** A tag of the caller's own. */
export interface OpenTag {
  readonly name: string
  /** What it looks like, in sentences; `a photo of a {name}.` by default. RAM++ was trained with 51 a tag. */
  readonly descriptions?: readonly string[] | undefined
  /** 0.5 by default, as published: unseen tags score lower than those that were trained. */
  readonly threshold?: number | undefined
}

/** Tags with their descriptions as the tagger reads them. */
export interface DescribedTags {
  readonly tags: readonly Tag[]
  /** Unit vectors, [tags, descriptions of each, E]. */
  readonly descriptions: HostTensor<'f32'>
}

const openThreshold = 0.5

/** Texts that are read together. */
const textsAtOnce = 64

const clipConfig = z.object({
  text_config: clipTextConfig.prefault({}),
  projection_dim: z.int().positive().default(512),
})

/**
 * Embeds the descriptions of a caller's own tags with CLIP's text tower, for a tagger to look for in place of its list.
 * RAM and RAM++ were trained against OpenAI's ViT-B/16 (`openai/clip-vit-base-patch16`); others make no sense to them.
 * Source: RAM++ (arXiv 2310.15200), section 3.3, and `build_openset_llm_label_embedding` of the official code.
 * @throws InputError `open-tags-missing`, `open-tags-uneven` when the tags have different numbers of descriptions;
 * CheckpointError; AbortError `aborted`
 */
export async function describeTags(
  { source, checkpoint, config }: TaggerFiles,
  tags: readonly OpenTag[],
  { compile, signal, onEvent }: RunOptions & { readonly compile: CompileOptions },
): Promise<DescribedTags> {
  const texts = tags.map(({ name, descriptions }) => descriptions ?? [`a photo of a ${name}.`])
  const perTag = checkTexts(tags, texts)
  const { text_config: text, projection_dim: E } = parseConfig(
    clipConfig,
    config,
    `${source.name}/config.json`,
  )
  const shapes = {
    ...prefixShapes('text_model', clipTextShapes(text)),
    'text_projection.weight': [E, text.hidden_size],
  }
  requireKeys(new Map(Object.entries(shapes)), checkpoint)
  const tokenizer = await loadTokenizer(source, { className: 'CLIPTokenizer' })
  const length = text.max_position_embeddings
  const queries = texts.flat().map((description) => {
    const tokens = queryTokens(tokenizer, description, length, text.pad_token_id)
    return fitQuery(description, tokens, length, 'cut')
  })

  onEvent?.({ phase: 'loading', done: 0, total: 1, message: 'text tower' })
  const w = new Weights(checkpoint)
  const [ids, mask, ends] = (['ids', 'mask', 'ends'] as const).map((name) =>
    input(name, 'i64', name === 'ends' ? [dim('R')] : [dim('R'), length]),
  ) as [ReturnType<typeof input>, ReturnType<typeof input>, ReturnType<typeof input>]
  const states = clipText(w.at('text_model'), ids, mask, ends, text)
  const program = await Program.compile(
    'clip-text',
    { y: unit(linear(w.at('text_projection'), states)) },
    compile,
  )
  const data = new Float32Array(queries.length * E)
  try {
    for (let at = 0; at < queries.length; at += textsAtOnce) {
      if (signal?.aborted)
        throw new AbortError('aborted', 'Reading descriptions was stopped.', { textsDone: at })
      onEvent?.({ phase: 'preparing', done: at, total: queries.length, message: 'descriptions' })
      const batch = queryBatch(queries.slice(at, at + textsAtOnce))
      const { y } = await program.run({ ...batch, ends: endPositions(batch.ids) })
      data.set(y!.data as Float32Array, at * E)
    }
  } finally {
    await program.dispose()
  }
  return {
    tags: tags.map(({ name, threshold = openThreshold }) => ({ name, threshold })),
    descriptions: hostTensor('f32', [tags.length, perTag, E], data),
  }
}

/** How many descriptions each tag has. @throws InputError */
function checkTexts(tags: readonly OpenTag[], texts: readonly (readonly string[])[]): number {
  const [first] = texts
  if (!first) throw new InputError('open-tags-missing', 'There is no tag to look for. Name at least one.')
  const empty = tags.findIndex(({ name }, i) => name.trim() === '' || texts[i]!.length === 0)
  if (empty >= 0)
    throw new InputError(
      'open-tags-missing',
      `Tag ${empty + 1} has no name or no description. Name it, and say what it looks like.`,
      { index: empty },
    )
  const uneven = texts.findIndex((list) => list.length !== first.length)
  if (uneven < 0) return first.length
  throw new InputError(
    'open-tags-uneven',
    `'${tags[uneven]!.name}' has ${texts[uneven]!.length} descriptions, but '${tags[0]!.name}' has ${first.length}. ` +
      'Give every tag as many: they are weighed against each other.',
    { tag: tags[uneven]!.name, found: texts[uneven]!.length, expected: first.length },
  )
}

const described = z
  .record(z.string(), z.array(z.string()).min(1))
  .transform((record) =>
    Object.entries(record).map(([name, descriptions]): OpenTag => ({ name, descriptions })),
  )

const descriptionFile = z.union([described, z.array(described).transform((list) => list.flat())], {
  error: 'must be { "tag": ["what it looks like", …] }, or a list of such objects',
})

/**
 * The tags of a JSON file of descriptions, one object or, as published, a list of one object a tag.
 * @throws InputError `descriptions-invalid`
 */
export function parseDescriptions(text: string, name = 'The file of descriptions'): OpenTag[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new InputError('descriptions-invalid', `${name} is not valid JSON.`, {}, error)
  }
  const found = descriptionFile.safeParse(json)
  if (found.success) return found.data
  throw new InputError('descriptions-invalid', `${name} ${found.error.issues[0]!.message}.`, {
    issues: found.error.issues,
  })
}
