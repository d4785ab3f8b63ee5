import { linearProduct } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'

/** x·Wᵀ + b with `weight` [out, in] and, where the checkpoint has it, `bias` [out]. [..., in] → [..., out]. */
export function linear(w: Weights, x: Tensor): Tensor {
  return linearProduct(x, w.get('weight'), w.find('bias'))
}
