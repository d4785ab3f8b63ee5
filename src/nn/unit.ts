import { div, mul, sqrt, sum } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'

/** The Euclidean length of vectors along the last axis, [..., C] → [..., 1]. */
export function length(x: Tensor): Tensor {
  return sqrt(sum(mul(x, x), [-1], { keepDims: true }))
}

/** Vectors along the last axis divided by their length, without an ε, as contrastive models do it. */
export function unit(x: Tensor): Tensor {
  return div(x, length(x))
}
