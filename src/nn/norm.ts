import { layerNormalise, rmsNormalise } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { channelsFirst, channelsLast } from './maps.ts'

/** LayerNorm over the last axis with `weight` and `bias`. [..., C] → [..., C]. */
export function layerNorm(w: Weights, x: Tensor, epsilon: number): Tensor {
  return layerNormalise(x, w.get('weight'), w.find('bias'), epsilon)
}

/** RMSNorm over the last axis with `weight`. [..., C] → [..., C]. */
export function rmsNorm(w: Weights, x: Tensor, epsilon: number): Tensor {
  return rmsNormalise(x, w.get('weight'), epsilon)
}

/** LayerNorm over the channels of maps (timm's `LayerNorm2d`). [B, C, h, w] → [B, C, h, w]. */
export function channelNorm(w: Weights, maps: Tensor, epsilon: number): Tensor {
  return channelsFirst(layerNorm(w, channelsLast(maps), epsilon))
}
