import type { Dim } from '../graph/dim.ts'
import { add, matmul, matmulTransposed, mul, reshape, softmax, where } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { normLinear } from '../nn/linear.ts'

/** The most negative f32: what stands for −∞ where a row may be masked as a whole. */
const lowest = -3.4028234663852886e38

/**
 * Ablation B-to-F: box features gather from image tokens before they are projected and appended.
 * boxes [B, n, A], tokens [B, T, c] → boxes + gathered [B, n, A]; rows of boxes do not see each other, so padding them
 * does no harm. The published code attends to the CLIP tokens, where the paper's text says the fused ones.
 * Source: MG-LLaVA (arXiv 2406.17770), ablations; golden case `mgllava-fuse`.
 */
export function boxesToFeatures(w: Weights, boxes: Tensor, tokens: Tensor): Tensor {
  return add(boxes, attend(w, boxes, tokens))
}

/**
 * Ablation F-to-B: image tokens gather from the boxes, which are then not appended.
 * tokens [B, T, c], boxes [B, n, A], isBox [B, n] (false where a row only pads) → tokens + gathered [B, T, c].
 * Source and golden case as for `boxesToFeatures`.
 */
export function featuresToBoxes(w: Weights, tokens: Tensor, boxes: Tensor, isBox: Tensor): Tensor {
  return add(tokens, attend(w, tokens, boxes, isBox))
}

/** One head of attention over normed and projected operands: softmax(q·kᵀ/√C)·v, [B, T, C]. */
function attend(w: Weights, from: Tensor, to: Tensor, isSeen?: Tensor): Tensor {
  const query = normLinear(w.at('vlm_uni_query_projector'), from)
  const key = normLinear(w.at('vlm_uni_key_projector'), to)
  const value = normLinear(w.at('vlm_uni_val_projector'), to)
  const scores = matmulTransposed(mul(query, (query.shape.at(-1) as number) ** -0.5), key)
  const [B, n] = to.shape as [Dim, Dim]
  const seen = isSeen ? where(reshape(isSeen, [B, 1, n]), scores, lowest) : scores
  return matmul(softmax(seen), value)
}
