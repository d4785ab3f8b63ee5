import { addDims, type Dim } from '../graph/dim.ts'
import {
  add,
  concat,
  gelu,
  linearProduct,
  pad,
  reshape,
  slice,
  split,
  transpose,
} from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'

/**
 * x + GELU(conv(x)) with a kernel of 3 (`weight` [C, C, 3, 3], `bias` [C]): whose weights are 0 leaves maps as they are, and
 * learns from the first step on. [N, H, W, C] → [N, H, W, C].
 */
export function residualConv(w: Weights, x: Tensor): Tensor {
  return add(x, gelu(evenConv(w, x)))
}

/**
 * Convolution of a kernel of 3 with padding 1 as one product, whose gradients are products too: each place sees its
 * neighbours to the left and right and makes of them what it adds to the row above, its own and the row below. Only three
 * maps are put side by side, where one product for each output would need nine.
 */
function evenConv(w: Weights, x: Tensor): Tensor {
  const [, height, width, C] = x.shape as [Dim, Dim, Dim, number]
  const wide = pad(x, 2, 1, 1)
  const beside = concat(
    [0, 1, 2].map((right) => slice(wide, 2, right, addDims(right, width))),
    3,
  )
  // [O, C, down, right] → [down · O, right · C].
  const kernel = reshape(transpose(w.get('weight'), [2, 0, 3, 1]), [3 * C, 3 * C])
  const [fromAbove, own, fromBelow] = split(linearProduct(beside, kernel), 3, [C, C, C]) as [
    Tensor,
    Tensor,
    Tensor,
  ]
  const above = pad(slice(fromAbove, 1, 0, addDims(height, -1)), 1, 1, 0)
  const below = pad(slice(fromBelow, 1, 1, height), 1, 0, 1)
  return add(add(add(above, own), below), w.get('bias'))
}
