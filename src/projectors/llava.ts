import type { Tensor } from '../graph/tensor.ts'
import type { Shapes, Weights } from '../graph/weights.ts'
import { linear } from '../nn/linear.ts'
import { mlpProjector, mlpProjectorShapes } from './mlp.ts'

/** LLaVA's `mm_projector_type`: `identity`, `linear`, or `mlpNx_gelu` with N layers. */
export type LlavaProjectorType = 'identity' | 'linear' | `mlp${number}x_gelu`

export const llavaProjectorPattern = /^(identity|linear|mlp[1-9]\d?x_gelu)$/

/** Features of the tower as tokens of the decoder: [..., C] → [..., hidden]. Golden case `llava15-tiny`. */
export function llavaProjector(w: Weights, x: Tensor, type: LlavaProjectorType): Tensor {
  if (type === 'identity') return x
  return type === 'linear' ? linear(w, x) : mlpProjector(w, x)
}

/** The projector's weights, below its prefix. */
export function llavaProjectorShapes(type: LlavaProjectorType, width: number, hidden: number): Shapes {
  if (type === 'identity') return {}
  if (type === 'linear') return { weight: [hidden, width], bias: [hidden] }
  return mlpProjectorShapes(width, hidden, Number(/\d+/.exec(type)![0]))
}
