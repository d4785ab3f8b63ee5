import type { Dim } from '../graph/dim.ts'
import { add, embedding, equal, gather, minimum, reshape, slice, where } from '../graph/ops/index.ts'
import { constant, type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { causalMask, LOWEST } from '../nn/causal-mask.ts'
import { layerNorm } from '../nn/norm.ts'
import { type HostTensor, i64 } from '../tensor/tensor.ts'
import type { ClipTextConfig } from './clip-config.ts'
import { clipLayers } from './clip-layers.ts'

/**
 * CLIP's text tower (HF `CLIPTextModel`): ids, mask [R, T] i64, ends [R] i64 (where each row's end token stands,
 * counted over all rows: r·T + t) → the normed state at the end tokens [R, C].
 * Source: CLIP (arXiv 2103.00020); golden case `owlv2-tiny`.
 * @param w the tower, above `embeddings`
 */
export function clipText(
  w: Weights,
  ids: Tensor,
  mask: Tensor,
  ends: Tensor,
  config: ClipTextConfig,
): Tensor {
  const [rows, T] = ids.shape as [Dim, number]
  const positions = slice(w.get('embeddings.position_embedding.weight'), 0, 0, T)
  const tokens = embedding(w.get('embeddings.token_embedding.weight'), ids)
  const padding = where(equal(reshape(mask, [rows, 1, 1, T]), constant(i64([], [0]))), LOWEST, 0)
  const first = tap('hidden_states.0', add(tokens, positions))
  const last = clipLayers(w, first, config, minimum(causalMask(T), padding)).at(-1)!
  const normed = layerNorm(w.at('final_layer_norm'), last, config.layer_norm_eps)
  return gather(reshape(normed, [-1, config.hidden_size]), ends)
}

/** Where each row's end token stands among all ids: the first place of its largest id. */
export function endPositions(ids: HostTensor<'i64'>): HostTensor<'i64'> {
  const [R, T] = ids.shape as [number, number]
  const ends = Array.from({ length: R }, (_, row) => {
    const values = Array.from(ids.data.subarray(row * T, (row + 1) * T), Number)
    return row * T + values.indexOf(Math.max(...values))
  })
  return i64([R], ends)
}
