import { gelu } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Shapes, Weights } from '../graph/weights.ts'
import { linear } from '../nn/linear.ts'

/**
 * LLaVA's `mlpNx_gelu`: linear layers at the even places `0`, `2`, …, with exact GELUs between them, as many as the
 * checkpoint has. [..., C] → [..., hidden]. Source: LLaVA-1.5 (arXiv 2310.03744); MG-LLaVA's `projector.model` and
 * `bbox_projector.model` are the same.
 */
export function mlpProjector(w: Weights, x: Tensor): Tensor {
  let y = linear(w.at(0), x)
  for (let place = 2; w.has(`${place}.weight`); place += 2) y = linear(w.at(place), gelu(y))
  return y
}

/** The projector's weights: from `width`, `depth` layers to `hidden`. */
export function mlpProjectorShapes(width: number, hidden: number, depth = 2): Shapes {
  return Object.fromEntries(
    Array.from({ length: depth }, (_, i) => [
      [`${2 * i}.weight`, [hidden, i === 0 ? width : hidden]],
      [`${2 * i}.bias`, [hidden]],
    ]).flat(),
  )
}
