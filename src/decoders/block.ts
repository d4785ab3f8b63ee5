import type { Dim } from '../graph/dim.ts'
import { add, reshape, rotary } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import { groupedQueryAttention, mergeHeads } from '../nn/attention.ts'
import type { BlockContext, BlockResult } from './decoder.ts'

/** The parts in which the families' pre-norm blocks differ. */
export interface BlockParts {
  readonly attentionNorm: (x: Tensor) => Tensor
  /** [B, T, H] → queries [B, heads, T, D], keys and values [B, kv heads, T, D], before rotary. */
  readonly project: (x: Tensor) => { q: Tensor; k: Tensor; v: Tensor }
  readonly outputProjection: (x: Tensor) => Tensor
  readonly mlpNorm: (x: Tensor) => Tensor
  readonly mlp: (x: Tensor) => Tensor
}

/** x += attention(norm(x)); x += mlp(norm(x)), with rotary positions and grouped queries. [B, T, H] → [B, T, H]. */
export function preNormBlock(
  index: number,
  x: Tensor,
  context: BlockContext,
  parts: BlockParts,
): BlockResult {
  const { q, k, v } = parts.project(parts.attentionNorm(x))
  const cos = overHeads(context.cos)
  const sin = overHeads(context.sin)
  const key = rotary(k, cos, sin)
  const attended = groupedQueryAttention(rotary(q, cos, sin), key, v, context.mask, context.past)
  const attention = tap(`attentions.${index}`, attended.weights)
  const y = add(x, parts.outputProjection(mergeHeads(attended.output)))
  return { output: add(y, parts.mlp(parts.mlpNorm(y))), key, value: v, attention }
}

/** [B, T, D/2] → [B, 1, T, D/2]. */
function overHeads(table: Tensor): Tensor {
  const [batch, tokens, half] = table.shape as [Dim, Dim, Dim]
  return reshape(table, [batch, 1, tokens, half])
}
