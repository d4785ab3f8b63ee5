import { add, div, minimum, mul, sqrt, sum } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'

/** The L2 norm over all gradients together. → [] */
export function globalNorm(gradients: readonly Tensor[]): Tensor {
  return sqrt(gradients.map((gradient) => sum(mul(gradient, gradient))).reduce((a, b) => add(a, b)))
}

/**
 * Gradients scaled so that their global norm is at most `maxNorm`. As PyTorch's `clip_grad_norm_`: the factor is
 * maxNorm/(norm + 1e-6), never above 1.
 */
export function clipByGlobalNorm(gradients: readonly Tensor[], norm: Tensor, maxNorm: number): Tensor[] {
  const factor = minimum(div(maxNorm, add(norm, 1e-6)), 1)
  return gradients.map((gradient) => mul(gradient, factor))
}
