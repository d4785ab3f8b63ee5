import { linearProduct, mul } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'

/** A low-rank pair beside a linear layer. */
export interface LowRank {
  /** [rank, in] */
  readonly a: Tensor
  /** [out, rank] */
  readonly b: Tensor
  /** Times the pair's product. */
  readonly scale: number
}

/**
 * What a low-rank pair adds to a linear layer: scale·(x·Aᵀ)·Bᵀ, as two small products. [..., in] → [..., out].
 * Source: LoRA (arXiv 2106.09685), section 4.1; golden case `awaker-moe-lora-layer`.
 */
export function lowRank(x: Tensor, { a, b, scale }: LowRank): Tensor {
  return linearProduct(mul(linearProduct(x, a), scale), b)
}
