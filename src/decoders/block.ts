import { type Dim, subDims } from '../graph/dim.ts'
import { add, cachedAttention, reshape, rotary, slice } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import { causalAttention, groupedQueryAttention, mergeHeads, splitHeads } from '../nn/attention.ts'
import type { BlockContext, BlockResult, PastContext, SequenceContext } from './decoder.ts'

/** Queries, keys and values of new tokens before rotary: [B, T, heads·D], [B, T, kv heads·D] twice. */
export interface Projected {
  readonly q: Tensor
  readonly k: Tensor
  readonly v: Tensor
  /** The three side by side, where they can be had so. */
  readonly packed?: Tensor
}

/** The parts in which the families' pre-norm blocks differ. */
export interface BlockParts {
  readonly heads: number
  readonly kvHeads: number
  readonly attentionNorm: (x: Tensor) => Tensor
  /** [B, T, H] → queries, keys and values. */
  readonly project: (x: Tensor) => Projected
  readonly outputProjection: (x: Tensor) => Tensor
  readonly mlpNorm: (x: Tensor) => Tensor
  readonly mlp: (x: Tensor) => Tensor
}

/**
 * x += attention(norm(x)); x += mlp(norm(x)), with rotary positions and grouped queries. [B, T, H] → [B, T, H]; of whole
 * sequences [B, Q, H].
 */
export function preNormBlock(
  index: number,
  x: Tensor,
  context: BlockContext,
  parts: BlockParts,
): BlockResult {
  const projected = parts.project(parts.attentionNorm(x))
  const attended =
    'cells' in context
      ? cachedAttention({ ...projected, ...context.cells }, parts.heads, parts.kvHeads)
      : attend(index, projected, context, parts)
  const y = add(lastTokens(x, 1, attended.output.shape[1]!), parts.outputProjection(attended.output))
  return { ...attended, output: add(y, parts.mlp(parts.mlpNorm(y))) }
}

/** Attention by single ops, whose weights can be looked at where there is a past. → [B, Q, heads·D] */
function attend(
  index: number,
  { q, k, v }: Projected,
  context: PastContext | SequenceContext,
  { heads, kvHeads }: BlockParts,
): BlockResult {
  const cos = overHeads(context.cos)
  const sin = overHeads(context.sin)
  const key = rotary(splitHeads(k, kvHeads), cos, sin)
  const value = splitHeads(v, kvHeads)
  const queries = 'past' in context ? q.shape[1]! : context.causalMask.shape[1]!
  const last = (x: Tensor): Tensor => lastTokens(x, 2, queries)
  const query = rotary(last(splitHeads(q, heads)), last(cos), last(sin))
  if (!('past' in context)) {
    const output = causalAttention(query, key, value, context.causalMask)
    return { output: mergeHeads(output), query, key, value }
  }
  const attended = groupedQueryAttention(query, key, value, context.mask, context.past)
  const attention = tap(`attentions.${index}`, attended.weights)
  return { output: mergeHeads(attended.output), key, value, attention }
}

/** The last of the tokens along an axis: [.., T, ..] → [.., count, ..]. */
export function lastTokens(x: Tensor, axis: number, count: Dim): Tensor {
  const tokens = x.shape[axis]!
  return slice(x, axis, subDims(tokens, count), tokens)
}

/** [B, T, D/2] → [B, 1, T, D/2]. */
function overHeads(table: Tensor): Tensor {
  const [batch, tokens, half] = table.shape as [Dim, Dim, Dim]
  return reshape(table, [batch, 1, tokens, half])
}
