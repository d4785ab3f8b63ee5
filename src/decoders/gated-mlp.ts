import { mul, silu } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'

/** silu(gate) ⊙ up, the middle of SwiGLU. */
export function swiGlu(gate: Tensor, up: Tensor): Tensor {
  return mul(silu(gate), up)
}
