import type { Dim } from '../graph/dim.ts'
import { mean, pad } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { layerNorm } from '../nn/norm.ts'
import { convEmbed, mapOfTokens, type TokenMap } from './conv-embed.ts'
import type { CoswinConfig } from './coswin-config.ts'
import { swinBlock } from './swin.ts'

/** What the tower gives. */
export interface CoswinFeatures {
  /** What the first block reads. */
  readonly embedded: TokenMap
  /** Each stage's tokens behind its `norm{s}`, where the checkpoint has one. */
  readonly stages: readonly TokenMap[]
  /** The mean of the last stage's normalised tokens, [B, C]. */
  readonly pooled: Tensor
}

/**
 * CoSwin: Swin's blocks over convolutional token embeddings. Pixels [B, 3, H, W] of any size; stage s has
 * `embed_dim`·2ˢ channels. As in the public detection code, the picture is first padded with zeros on the right and at
 * the bottom to a multiple of the first kernel (nothing at 224), and windows never shrink: maps are padded to them.
 * Source: Florence (arXiv 2111.11432), section 3.2; golden cases `florence-coswin`, `florence-two-tower`.
 */
export function coswin(w: Weights, pixels: Tensor, config: CoswinConfig): CoswinFeatures {
  const first = { stride: config.patch_stride, padding: config.patch_padding }
  const embedded = convEmbed(w.at('patch_embed'), padTo(pixels, config.patch_size), first)
  let x = embedded
  const stages: TokenMap[] = []
  for (const [s, depth] of config.depths.entries()) {
    const layer = w.at('layers').at(s)
    for (let b = 0; b < depth; b++) {
      const shift = b % 2 === 0 ? 0 : Math.floor(config.window_size / 2)
      const shape = {
        sizes: [x.rows, x.columns],
        heads: config.num_heads[s]!,
        window: [config.window_size, config.window_size],
        shift: [shift, shift],
      }
      const tokens = swinBlock(layer.at('blocks').at(b), x.tokens, shape)
      x = { ...x, tokens: tap(`layers.${s}.blocks.${b}`, tokens) }
    }
    const norm = w.at(`norm${s}`)
    const isLast = s === config.depths.length - 1
    stages.push(norm.has('weight') || isLast ? { ...x, tokens: layerNorm(norm, x.tokens, 1e-5) } : x)
    if (isLast) break
    x = convEmbed(layer.at('downsample'), mapOfTokens(x), config.downsample)
    tap(`downsample.${s}`, x.tokens)
  }
  return { embedded, stages, pooled: mean(stages.at(-1)!.tokens, [1]) }
}

/** The picture with zeros on the right and at the bottom, its sides multiples of `side`. */
function padTo(pixels: Tensor, side: number): Tensor {
  const [, , height, width] = pixels.shape as [Dim, Dim, number, number]
  const missing = (size: number): number => Math.ceil(size / side) * side - size
  return pad(pad(pixels, 2, 0, missing(height)), 3, 0, missing(width))
}
