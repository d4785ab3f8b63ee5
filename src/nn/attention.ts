import { addDims, type Dim, floorDivDims, mulDims, subDims } from '../graph/dim.ts'
import {
  add,
  concat,
  expand,
  matmul,
  matmulTransposed,
  mul,
  reshape,
  slice,
  softmax,
  transpose,
} from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'

/** [B, T, heads·D] → [B, heads, T, D]. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, tokens, width] = x.shape as [Dim, Dim, number]
  return transpose(reshape(x, [batch, tokens, heads, width / heads]), [0, 2, 1, 3])
}

/** [B, heads, T, D] → [B, T, heads·D]. */
export function mergeHeads(x: Tensor): Tensor {
  const [batch, heads, tokens, size] = x.shape as [Dim, number, Dim, number]
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, tokens, heads * size])
}

/**
 * Multi-head attention of equal heads, as vision and text towers use it. q [B, H, T, D], k, v [B, H, S, D] →
 * [B, H, T, D]; scores are scaled by D^−½. A mask that broadcasts to [B, H, T, S] is added to them.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, mask?: Tensor): Tensor {
  const size = q.shape.at(-1) as number
  const scores = matmulTransposed(mul(q, size ** -0.5), k)
  return matmul(softmax(mask ? add(scores, mask) : scores), v)
}

/** Keys and values of one layer that were computed before, [B, kv heads, P, D] each. */
export interface PastKeyValue {
  readonly key: Tensor
  readonly value: Tensor
}

/**
 * Grouped-query attention of a decoder, over cached and new tokens. Query head h attends to key head
 * ⌊h·kvHeads/heads⌋. The past is read where it lies: scores against past and new keys are concatenated, not the keys.
 * q [B, H, T, D], k and v [B, kv, T, D], mask [B, T, P + T] added to the scores → output [B, H, T, D] and the softmax
 * weights [B, H, T, P + T].
 */
export function groupedQueryAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  mask: Tensor,
  past?: PastKeyValue,
): { output: Tensor; weights: Tensor } {
  const [batch, heads, tokens, size] = q.shape as [Dim, number, Dim, number]
  const kvHeads = k.shape[1] as number
  const scores = groupedScores(q, k, mask, past)
  const total = scores.shape[4]!
  const weights = reshape(softmax(scores), [batch, heads, tokens, total])
  const flat = reshape(weights, [batch, kvHeads, mulDims(heads / kvHeads, tokens), total])
  const cached = past?.key.shape[2] ?? 0
  const fromNew = matmul(slice(flat, 3, cached, total), v)
  const output = past ? add(matmul(slice(flat, 3, 0, cached), past.value), fromNew) : fromNew
  return { output: reshape(output, [batch, heads, tokens, size]), weights }
}

/**
 * What the softmax of grouped-query attention is given, by key head and the queries that share it, for the arguments of
 * `groupedQueryAttention`. → [B, kv, H/kv, T, P + T]
 */
export function groupedScores(q: Tensor, k: Tensor, mask: Tensor, past?: Pick<PastKeyValue, 'key'>): Tensor {
  const [batch, heads, tokens, size] = q.shape as [Dim, number, Dim, number]
  const kvHeads = k.shape[1] as number
  const group = heads / kvHeads
  const grouped = reshape(mul(q, size ** -0.5), [batch, kvHeads, mulDims(group, tokens), size])
  const scores = past
    ? concat([matmulTransposed(grouped, past.key), matmulTransposed(grouped, k)], 3)
    : matmulTransposed(grouped, k)
  const total = scores.shape[3]!
  const shaped = reshape(scores, [batch, kvHeads, group, tokens, total])
  return add(shaped, reshape(mask, [batch, 1, 1, tokens, total]))
}

/** Of causal attention the queries come in so many parts: with p of them (1 + 1/p)/2 of all scores are computed. */
export const CAUSAL_PARTS = 4

/**
 * Causal grouped-query attention of the last Q of T tokens, without a past. The queries are cut into parts, each of which
 * leaves out the keys behind it; Q must be `CAUSAL_PARTS` or more. q [B, H, Q, D], k and v [B, kv, T, D], mask [B, Q, T] →
 * [B, H, Q, D].
 * @param mask added to the scores; it must hide all that comes behind a query
 */
export function causalAttention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor): Tensor {
  const queries = q.shape[2]!
  const before = subDims(k.shape[2]!, queries)
  const cut = (part: number): Dim => floorDivDims(mulDims(queries, part), CAUSAL_PARTS)
  const parts = Array.from({ length: CAUSAL_PARTS }, (_, part) => {
    const [start, end] = [cut(part), cut(part + 1)]
    const keys = addDims(before, end)
    return groupedQueryAttention(
      slice(q, 2, start, end),
      slice(k, 2, 0, keys),
      slice(v, 2, 0, keys),
      slice(slice(mask, 1, start, end), 2, 0, keys),
    ).output
  })
  return concat(parts, 2)
}

/** A row vector repeated over the batch: [1, C] or [1, 1, C] → [B, 1, C]. */
export function repeatOverBatch(x: Tensor, batch: Dim): Tensor {
  const width = x.shape.at(-1)!
  return expand(reshape(x, [1, 1, width]), [batch, 1, width])
}
