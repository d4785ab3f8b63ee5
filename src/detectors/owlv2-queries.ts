import { InputError } from '../tensor/errors.ts'
import { type HostTensor, i64 } from '../tensor/tensor.ts'
import type { Tokenizer } from '../text/tokenizer.ts'

/** What becomes of a label with more tokens than the text tower has positions. */
export type LongLabels = 'refuse' | 'cut'

/** One text query as the text tower reads it: ids and their mask, equally long. */
export interface QueryTokens {
  readonly ids: readonly number[]
  /** 1 for tokens, 0 for padding. */
  readonly mask: readonly number[]
}

/**
 * A text as CLIP ids, start and end token around it, padded to `length` with `padId`. A longer text stays longer, as
 * the official processor leaves it. Source: transformers 4.45 CLIPTokenizer; golden case `owlv2-tokens`.
 */
export function queryTokens(tokenizer: Tokenizer, text: string, length: number, padId: number): QueryTokens {
  const ids = tokenizer.encode(text)
  const padding = Math.max(0, length - ids.length)
  return {
    ids: [...ids, ...Array<number>(padding).fill(padId)],
    mask: [...Array<number>(ids.length).fill(1), ...Array<number>(padding).fill(0)],
  }
}

/**
 * Query ids cut to the text tower's positions; the end token, from which the query is read, is kept.
 * @throws InputError `label-too-long` when they are more and `longLabels` is `refuse`: the official code fails there
 * with an index error of its position table.
 */
export function fitQuery(
  label: string,
  { ids, mask }: QueryTokens,
  length: number,
  longLabels: LongLabels,
): QueryTokens {
  if (ids.length <= length) return { ids, mask }
  if (longLabels === 'cut')
    return { ids: [...ids.slice(0, length - 1), ids.at(-1)!], mask: mask.slice(0, length) }
  const shown = label.length > 60 ? `${label.slice(0, 60)}…` : label
  throw new InputError(
    'label-too-long',
    `The label '${shown}' (${label.length} characters) has ${ids.length - 2} tokens, but the detector reads at most ` +
      `${length - 2}. Shorten it to a few words, or have long labels cut (longLabels 'cut', --long-labels cut).`,
    { label, tokens: ids.length - 2, limit: length - 2 },
  )
}

/** Queries of equal length as one batch: [Q, T] ids and mask. */
export function queryBatch(queries: readonly QueryTokens[]): {
  ids: HostTensor<'i64'>
  mask: HostTensor<'i64'>
} {
  const shape = [queries.length, queries[0]?.ids.length ?? 0]
  return {
    ids: i64(
      shape,
      queries.flatMap(({ ids }) => ids),
    ),
    mask: i64(
      shape,
      queries.flatMap(({ mask }) => mask),
    ),
  }
}

/**
 * Labels as given, trimmed, each once.
 * @throws InputError `labels-missing` without any, `label-empty` when one is blank.
 */
export function checkLabels(labels: readonly string[]): string[] {
  if (labels.length === 0)
    throw new InputError(
      'labels-missing',
      "There is no label to look for. Name at least one, such as 'red umbrella'.",
    )
  const trimmed = labels.map((label) => label.trim())
  const empty = trimmed.indexOf('')
  if (empty >= 0)
    throw new InputError(
      'label-empty',
      `Label ${empty + 1} of ${labels.length} is empty. Remove it, or say what to look for.`,
      { index: empty, labels },
    )
  return [...new Set(trimmed)]
}
