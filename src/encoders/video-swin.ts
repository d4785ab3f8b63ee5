import { type Dim, mulDims } from '../graph/dim.ts'
import { conv, mean, pad, reshape, transpose } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { layerNorm } from '../nn/norm.ts'
import { mergePatches, swinBlock } from './swin.ts'
import type { VideoSwinConfig } from './video-swin-config.ts'

/** Tokens of a clip, frame by frame and row by row. */
export interface ClipTokens {
  /** [B, frames·rows·columns, C] */
  readonly tokens: Tensor
  /** Frames, rows and columns. */
  readonly sizes: readonly [number, number, number]
}

/** What the tower gives. */
export interface VideoSwinFeatures {
  /** What the first block reads. */
  readonly embedded: ClipTokens
  /** Each stage's tokens, those before the last merged for the next stage. */
  readonly stages: readonly ClipTokens[]
  /** The last stage behind the final norm. */
  readonly last: ClipTokens
  /** Their mean, [B, C]. */
  readonly pooled: Tensor
}

/**
 * Video Swin: Swin's blocks over windows of frames, rows and columns; maps are halved in space only. A clip
 * [B, 3, T, H, W] of any size, padded with zeros to whole patches. An axis that is no longer than its window is one
 * window and is not shifted. Source: Video Swin (arXiv 2106.13230); golden case `florence-video-inflation`.
 */
export function videoSwin(w: Weights, clip: Tensor, config: VideoSwinConfig): VideoSwinFeatures {
  const embedded = embedPatches(w.at('patch_embed'), clip, config)
  let x = embedded
  const stages: ClipTokens[] = []
  for (const [s, depth] of config.depths.entries()) {
    const layer = w.at('layers').at(s)
    for (let b = 0; b < depth; b++) {
      const tokens = swinBlock(layer.at('blocks').at(b), x.tokens, blockShape(x, s, b, config))
      x = { ...x, tokens: tap(`layers.${s}.blocks.${b}`, tokens) }
    }
    if (s < config.depths.length - 1) x = mergeInSpace(layer.at('downsample'), x)
    tap(`layers.${s}`, x.tokens)
    stages.push(x)
  }
  const last = { ...x, tokens: layerNorm(w.at('norm'), x.tokens, 1e-5) }
  return { embedded, stages, last, pooled: mean(last.tokens, [1]) }
}

/** The tokens as a map, [B, C, frames, rows, columns]. */
export function mapOfClip({ tokens, sizes }: ClipTokens): Tensor {
  const [batch, , width] = tokens.shape as [Dim, number, number]
  return transpose(reshape(tokens, [batch, ...sizes, width]), [0, 4, 1, 2, 3])
}

function blockShape({ sizes }: ClipTokens, stage: number, block: number, config: VideoSwinConfig) {
  const { window_size: full, num_heads: heads } = config
  return {
    sizes,
    heads: heads[stage]!,
    window: full.map((side, axis) => Math.min(side, sizes[axis]!)),
    shift: full.map((side, axis) => (block % 2 === 0 || sizes[axis]! <= side ? 0 : Math.floor(side / 2))),
    tableWindow: full,
  }
}

function embedPatches(w: Weights, clip: Tensor, { patch_size: patch }: VideoSwinConfig): ClipTokens {
  let whole = clip
  for (const [axis, side] of patch.entries()) {
    const size = clip.shape[axis + 2] as number
    whole = pad(whole, axis + 2, 0, Math.ceil(size / side) * side - size)
  }
  const sides = { stride: patch, padding: [0, 0, 0], groups: 1 }
  const embedded = conv(whole, w.get('proj.weight'), w.get('proj.bias'), sides)
  const [batch, width, ...sizes] = embedded.shape as [Dim, number, number, number, number]
  const count = sizes.reduce((a, b) => a * b, 1)
  const tokens = reshape(transpose(embedded, [0, 2, 3, 4, 1]), [batch, count, width])
  const norm = w.at('norm')
  return { tokens: norm.has('weight') ? layerNorm(norm, tokens, 1e-5) : tokens, sizes }
}

/** Every 2×2 cells of a frame become one; a last odd row or column is merged with zeros. */
function mergeInSpace(w: Weights, { tokens, sizes: [frames, rows, columns] }: ClipTokens): ClipTokens {
  const [batch, , width] = tokens.shape as [Dim, number, number]
  const pictures = mulDims(batch, frames)
  const map = reshape(tokens, [pictures, rows, columns, width])
  const even = pad(pad(map, 1, 0, rows % 2), 2, 0, columns % 2)
  const [evenRows, evenColumns] = [rows + (rows % 2), columns + (columns % 2)]
  const flat = reshape(even, [pictures, evenRows * evenColumns, width])
  const merged = mergePatches(w, flat, evenRows, evenColumns)
  const sizes = [frames, evenRows / 2, evenColumns / 2] as const
  return { tokens: reshape(merged, [batch, sizes[0] * sizes[1] * sizes[2], 2 * width]), sizes }
}
