import type { Dim } from '../graph/dim.ts'
import { add, matmul, matmulTransposed, mul, reshape, softmax, transpose } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { normLinear } from '../nn/linear.ts'
import { channelsLast, squareSide } from '../nn/maps.ts'
import { GraphError } from '../tensor/errors.ts'

/**
 * Mini-Gemini's patch info mining: every low-resolution token asks the cells of the high-resolution map that lie
 * inside its own patch. low [B, p², c], map [B, A, k·p, k·p] → low + mined [B, p², c]; with k = 1 the attention is
 * trivial. Source: Mini-Gemini (arXiv 2403.18814), section 3.2; golden cases `mgllava-fuse`, `fusion-mini-gemini`.
 * @throws GraphError `fusion-grid` when the tokens do not divide the map into equal patches.
 */
export function patchInfoMining(w: Weights, low: Tensor, map: Tensor): Tensor {
  const [B, tokens, width] = low.shape as [Dim, number, number]
  const cells = cellsByPatch(map, squareSide(tokens)) // [B, p², k², A]
  const query = normLinear(w.at('vlm_uni_query_projector'), low)
  const key = normLinear(w.at('vlm_uni_aux_projector'), cells)
  const value = normLinear(w.at('vlm_uni_val_projector'), cells)
  const asked = mul(reshape(query, [B, tokens, 1, width]), width ** -0.5)
  const mined = matmul(softmax(matmulTransposed(asked, key)), value) // [B, p², 1, c]
  return add(low, tap('fusion.mined', reshape(mined, [B, tokens, width])))
}

/** [B, A, k·p, k·p] → [B, p², k², A], patches and the cells inside them row by row. */
function cellsByPatch(map: Tensor, side: number): Tensor {
  const [B, A, rows, columns] = map.shape as [Dim, number, number, number]
  if (rows % side !== 0 || columns % side !== 0)
    throw new GraphError(
      'fusion-grid',
      `A map of ${rows}×${columns} cells cannot be divided among ${side}×${side} tokens in equal patches.`,
      { rows, columns, side },
    )
  const [high, wide] = [rows / side, columns / side]
  const cells = reshape(channelsLast(map), [B, side, high, side, wide, A])
  return reshape(transpose(cells, [0, 1, 3, 2, 4, 5]), [B, side * side, high * wide, A])
}
