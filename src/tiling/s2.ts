import { imageAxes, interpolate } from '../image/resize-float.ts'
import type { Size } from '../image/rgb-image.ts'
import { type HostTensor, zeros } from '../tensor/tensor.ts'
import { knownOptions, refuseOption, tileSide, wholeNumber } from './options.ts'
import { makePlan, type TileGroup, type TilePlan } from './plan.ts'

/** S2: the same square picture at several scales, the larger ones cut so that the tower can see them. */
export interface S2Options {
  readonly strategy: 's2'
  /** Side of the picture at scale 1; default 448. */
  readonly tileSize?: number
  /** Default 1 and 2. */
  readonly scales?: readonly number[]
  /** The largest crop that the tower gets; default the tile size. */
  readonly maxSplitSize?: number
}

/** One scale: the picture's side and the crops along it. */
export interface S2Scale {
  readonly scale: number
  readonly side: number
  readonly splits: number
}

/**
 * The crops of each scale. Source: S2 (arXiv 2403.13043), section 3.1; scaling_on_scales `s2wrapper/core.py`.
 * @throws InputError `tiling-option` when a scale is not positive or its picture cannot be cut into equal
 * crops.
 */
export function s2Scales(tileSize: number, scales: readonly number[], maxSplitSize: number): S2Scale[] {
  if (scales.length === 0) refuseOption('s2', 'scales', scales, 'at least one scale')
  return scales.map((scale) => {
    if (!(scale > 0 && scale <= 64)) refuseOption('s2', 'scales', scales, 'positive numbers up to 64')
    const side = Math.trunc(tileSize * scale)
    const splits = Math.ceil(side / maxSplitSize)
    if (side < 1 || side % splits !== 0)
      refuseOption(
        's2',
        'scales',
        scales,
        `scales whose side (here ${side}) divides into ${splits} equal crops`,
      )
    return { scale, side, splits }
  })
}

/** @throws InputError `tiling-option`, `tiling-unknown-option`, `image-size` */
export function planS2(size: Size, options: S2Options): TilePlan {
  knownOptions('s2', options, ['tileSize', 'scales', 'maxSplitSize'])
  const tileSize = tileSide('s2', options.tileSize)
  const maxSplitSize = wholeNumber('s2', 'maxSplitSize', options.maxSplitSize, tileSize, 16_384)
  const floatFrom = { width: tileSize, height: tileSize }
  const groups = s2Scales(tileSize, options.scales ?? [1, 2], maxSplitSize).map(
    ({ scale, side, splits }): TileGroup => {
      const tile = { width: side / splits, height: side / splits }
      const resizedTo = { width: side, height: side }
      return {
        name: `scale-${scale}`,
        columns: splits,
        rows: splits,
        resizedTo,
        tile,
        stride: tile,
        floatFrom,
      }
    },
  )
  return makePlan('s2', size, tileSize, groups)
}

/**
 * Normalised square pixels at another scale, by torch's bicubic without antialiasing: [B, C, s, s] → [B, C,
 * S, S].
 * Golden case `minimonkey-strategies` (`scale2_pixels`).
 */
export function scalePixels(pixels: HostTensor<'f32'>, side: number): HostTensor<'f32'> {
  return interpolate(pixels, { width: side, height: side }, { mode: 'bicubic' })
}

/**
 * Cuts each picture into splits × splits equal crops, row by row; the crops of one place follow each other
 * picture by picture: [B, C, S, S] → [splits²·B, C, S/splits, S/splits]. Source: `s2wrapper/utils.py`,
 * `split_chessboard`.
 * @throws InputError `pixels-shape`; `tiling-option` when the sides do not divide.
 */
export function splitCrops(pixels: HostTensor<'f32'>, splits: number): HostTensor<'f32'> {
  const [B, C, H, W] = imageAxes(pixels)
  if (!Number.isInteger(splits) || splits < 1 || H % splits !== 0 || W % splits !== 0)
    refuseOption('s2', 'splits', splits, `a whole number that divides both sides, ${W} and ${H}`)
  const height = H / splits
  const width = W / splits
  const out = zeros('f32', [splits * splits * B, C, height, width])
  let o = 0
  for (let row = 0; row < splits; row++)
    for (let column = 0; column < splits; column++)
      for (let plane = 0; plane < B * C; plane++)
        for (let y = 0; y < height; y++, o += width) {
          const start = (plane * H + row * height + y) * W + column * width
          out.data.set(pixels.data.subarray(start, start + width), o)
        }
  return out
}
