import { linearProduct, split } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { attention, mergeHeads, splitHeads } from './attention.ts'
import { linear } from './linear.ts'

/**
 * PyTorch's `nn.MultiheadAttention` with its packed weights `in_proj_weight` [3C, C], `in_proj_bias` and `out_proj`.
 * query [B, T, C], key and value [B, S, C] → [B, T, C].
 */
export function multiheadAttention(
  w: Weights,
  query: Tensor,
  key: Tensor,
  value: Tensor,
  heads: number,
): Tensor {
  const width = query.shape.at(-1) as number
  const thirds = [width, width, width]
  const weights = split(w.get('in_proj_weight'), 0, thirds)
  const bias = w.find('in_proj_bias')
  const biases = bias ? split(bias, 0, thirds) : []
  const [q, k, v] = [query, key, value].map((x, i) =>
    splitHeads(linearProduct(x, weights[i]!, biases[i]), heads),
  ) as [Tensor, Tensor, Tensor]
  return linear(w.at('out_proj'), mergeHeads(attention(q, k, v)))
}
