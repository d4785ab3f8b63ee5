import { constant, type Tensor } from '../graph/tensor.ts'
import { f32 } from '../tensor/tensor.ts'

/** The lowest float32: what masks scores and logits. */
export const LOWEST = -3.4028234663852886e38

/** Of each of T positions, which it may look at: itself and those before. Added to scores, [1, 1, T, T]. */
export function causalMask(T: number): Tensor {
  const values = Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? LOWEST : 0))
  return constant(f32([1, 1, T, T], values))
}
