import { type ConvAttributes, conv, linearProduct, reshape } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'

/**
 * Convolution of maps with `weight` [O, C/groups, k, k] and, where the checkpoint has it, `bias` [O].
 * [B, C, h, w] → [B, O, h', w']; stride 1 and no padding unless told. `isDepthwise`: every channel its own kernel.
 */
export function conv2d(
  w: Weights,
  x: Tensor,
  options: { readonly stride?: number; readonly padding?: number; readonly isDepthwise?: boolean } = {},
): Tensor {
  const { stride = 1, padding = 0, isDepthwise = false } = options
  const kernel = w.get('weight')
  const attributes: ConvAttributes = {
    stride: [stride, stride],
    padding: [padding, padding],
    groups: isDepthwise ? (kernel.shape[0] as number) : 1,
  }
  return conv(x, kernel, w.find('bias'), attributes)
}

/** A 1×1 convolution over tokens instead of maps, as one product: `weight` [O, C, 1, 1]. [..., C] → [..., O]. */
export function pointwise(w: Weights, tokens: Tensor): Tensor {
  const kernel = w.get('weight')
  return linearProduct(tokens, reshape(kernel, kernel.shape.slice(0, 2)), w.find('bias'))
}
