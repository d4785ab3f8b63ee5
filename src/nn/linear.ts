import { linearProduct } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { layerNorm } from './norm.ts'

/** x·Wᵀ + b with `weight` [out, in] and, where the checkpoint has it, `bias` [out]. [..., in] → [..., out]. */
export function linear(w: Weights, x: Tensor): Tensor {
  return linearProduct(x, w.get('weight'), w.find('bias'))
}

/** LayerNorm (`0`), then a linear layer (`1`). [..., in] → [..., out]. */
export function normLinear(w: Weights, x: Tensor, epsilon = 1e-5): Tensor {
  return linear(w.at(1), layerNorm(w.at(0), x, epsilon))
}
