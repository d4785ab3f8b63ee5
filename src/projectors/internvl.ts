import type { Dim } from '../graph/dim.ts'
import { gelu, reshape, transpose } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Shapes, Weights } from '../graph/weights.ts'
import { linear } from '../nn/linear.ts'
import { layerNorm } from '../nn/norm.ts'

export interface PixelShuffleConfig {
  /** r: the side of the folded grid over that of the patch grid, 1/2 in all published models. */
  readonly downsample_ratio: number
  /** `v1` keeps the transposed picture of the first models; `v2` is right way round. */
  readonly ps_version: 'v1' | 'v2'
}

/**
 * Folds each block of (1/r)×(1/r) patches into channels. [N, h, w, C] → [N, h·r, w·r, C/r²]; block order for r = ½:
 * (2y,2x), (2y,2x+1), (2y+1,2x), (2y+1,2x+1). Source: InternVL 1.5, section 3.1; golden case `internvl-projector`.
 */
export function pixelShuffle(patches: Tensor, config: PixelShuffleConfig): Tensor {
  const [tiles, height, width, channels] = patches.shape as [Dim, number, number, number]
  const block = Math.round(1 / config.downsample_ratio)
  const rows = height / block
  const columns = width / block
  const pairs = reshape(patches, [tiles, height, columns, channels * block])
  const turned = transpose(pairs, [0, 2, 1, 3]) // [N, w·r, h, C/r]
  const folded = reshape(turned, [tiles, columns, rows, channels * block * block])
  return config.ps_version === 'v2' ? transpose(folded, [0, 2, 1, 3]) : folded
}

/**
 * InternVL's projector: pixel shuffle, LayerNorm, two-layer MLP.
 * Patches [N, h·w, C] (h = w) → visual tokens [N, h·w·r², hidden].
 */
export function internVlProjector(w: Weights, patches: Tensor, config: PixelShuffleConfig): Tensor {
  const [tiles, count, channels] = patches.shape as [Dim, number, number]
  const side = Math.sqrt(count)
  const shuffled = tap('shuffled', pixelShuffle(reshape(patches, [tiles, side, side, channels]), config))
  const [, rows, columns, folded] = shuffled.shape as [Dim, number, number, number]
  const x = layerNorm(w.at('mlp1.0'), reshape(shuffled, [tiles, rows * columns, folded]), 1e-5)
  return linear(w.at('mlp1.3'), gelu(linear(w.at('mlp1.1'), x)))
}

/** The projector's weights: vision width C, ratio r, decoder width `hidden`. */
export function internVlProjectorShapes(width: number, ratio: number, hidden: number): Shapes {
  const folded = Math.round(width / ratio ** 2)
  return {
    'mlp1.0.weight': [folded],
    'mlp1.0.bias': [folded],
    'mlp1.1.weight': [hidden, folded],
    'mlp1.1.bias': [hidden],
    'mlp1.3.weight': [hidden, hidden],
    'mlp1.3.bias': [hidden],
  }
}
