import type { Dim } from '../graph/dim.ts'
import { concat, mean, reshape, slice, transpose } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import { areaWeights, bicubicWeights, resizeMaps } from '../nn/resize.ts'
import { InputError } from '../tensor/errors.ts'

export interface S2FusionOptions {
  /** Sides of the resized pictures, in pixels. */
  readonly sizes: readonly number[]
  /** The largest crop side that the tower gets. */
  readonly maxSplitSize: number
  /** Tokens before the patches, such as the class token. */
  readonly prefixTokens: number
  /** Whose feature map gives the resolution of the result; the first scale by default. */
  readonly referenceIndex?: number
}

/**
 * S2: one tower looks at several sizes of the picture, the larger ones in crops; the feature maps are pooled to one
 * resolution and concatenated along channels, so a projector for the sum of the widths is needed.
 * Pixels [B, 3, s, s] → [B, prefix + P, C·sizes]. Source: S2 (arXiv 2403.13043), `s2wrapper`; golden case
 * `minimonkey-strategies`.
 * @param tower pixels [N, 3, h, h] → tokens [N, prefix + patches, C]
 */
export function s2Features(
  pixels: Tensor,
  tower: (pixels: Tensor) => Tensor,
  options: S2FusionOptions,
): Tensor {
  const [B] = pixels.shape as [number]
  const { sizes, maxSplitSize, prefixTokens, referenceIndex = 0 } = options
  const scales = sizes.map((size) => {
    const resized = tap(`pixels.${size}`, resizeMaps(pixels, size, size, bicubicWeights))
    const splits = Math.ceil(size / maxSplitSize)
    if (size % splits !== 0)
      throw new InputError(
        's2-split',
        `A picture of ${size} pixels cannot be split into ${splits} equal crops.`,
      )
    const tokens = tower(splitCrops(resized, splits))
    return {
      prefix: averagePrefix(slice(tokens, 1, 0, prefixTokens), B, splits),
      map: mergeCrops(slice(tokens, 1, prefixTokens, tokens.shape[1]!), B, splits), // [B, C, h, h]
    }
  })
  const patches = concatScales(
    scales.map(({ map }) => map),
    referenceIndex,
  )
  return concat(
    [
      concat(
        scales.map(({ prefix }) => prefix),
        2,
      ),
      patches,
    ],
    1,
  )
}

/**
 * As `s2Features`, of crops that were cut before the tower saw them: all crops of a picture follow each other, scale by
 * scale, each row by row, without prefix tokens; the first scale's map gives the resolution.
 * [B, Σ splits², P, C] → [B, P, C·scales].
 * @param splits crops along a side of each scale's picture; the first scale is not split
 */
export function fuseCrops(patches: Tensor, splits: readonly number[]): Tensor {
  const [B, , P, C] = patches.shape as [Dim, number, number, number]
  const side = Math.sqrt(P)
  let first = 0
  const maps = splits.map((k) => {
    const crops = slice(patches, 1, first, first + k * k)
    first += k * k
    const cells = transpose(reshape(crops, [B, k, k, side, side, C]), [0, 5, 1, 3, 2, 4])
    return reshape(cells, [B, C, k * side, k * side])
  })
  return concatScales(maps, 0)
}

/** Maps [B, C, h, h] pooled to the side of one of them and joined along channels, as patches [B, side², C·scales]. */
function concatScales(maps: readonly Tensor[], referenceIndex: number): Tensor {
  const side = maps[referenceIndex]!.shape[2] as number
  const joined = concat(
    maps.map((map) => resizeMaps(map, side, side, areaWeights)),
    1,
  )
  const [B, channels] = joined.shape as [Dim, number]
  return transpose(reshape(joined, [B, channels, side * side]), [0, 2, 1])
}

/** [B, 3, s, s] → [k·k·B, 3, s/k, s/k], crops row by row, the batch inside each crop. */
function splitCrops(x: Tensor, splits: number): Tensor {
  const [B, C, S] = x.shape as [Dim, Dim, number]
  const side = S / splits
  const cells = reshape(x, [B, C, splits, side, splits, side])
  return reshape(transpose(cells, [2, 4, 0, 1, 3, 5]), [-1, C, side, side])
}

/** [k·k·B, P, C] → [B, C, k·h, k·h]. */
function mergeCrops(tokens: Tensor, batch: number, splits: number): Tensor {
  const [, patches, width] = tokens.shape as [number, number, number]
  const side = Math.sqrt(patches)
  const cells = reshape(tokens, [splits, splits, batch, side, side, width])
  return reshape(transpose(cells, [2, 5, 0, 3, 1, 4]), [batch, width, splits * side, splits * side])
}

/** The mean over crops. [k·k·B, n, C] → [B, n, C]. */
function averagePrefix(tokens: Tensor, batch: number, splits: number): Tensor {
  const [, count, width] = tokens.shape as [number, number, number]
  return mean(reshape(tokens, [splits * splits, batch, count, width]), [0])
}
