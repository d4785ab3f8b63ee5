import { centreCrop, squareCanvas } from '../image/canvas.ts'
import { checkSize, type Size } from '../image/rgb-image.ts'
import { knownOptions, refuseOption, tileSide, wholeNumber } from './options.ts'
import { makePlan, type TileGroup, type TilePlan } from './plan.ts'

/** One square tile that keeps the picture's shape. */
export interface SquareOptions {
  readonly strategy: 'square'
  /** Default 336. */
  readonly tileSize?: number
  /**
   * `pad` (default) shows the whole picture in the middle of a square; `crop` shows the middle square of it.
   * LLaVA's `image_aspect_ratio` "pad" and "square".
   */
  readonly fit?: 'pad' | 'crop'
  /** What `pad` fills the square with, R, G, B bytes; default CLIP's mean colour. */
  readonly background?: readonly number[]
  /** The side that the shorter edge is resized to before the crop; default the tile size. */
  readonly shortestEdge?: number
}

/** trunc(255 · mean) of CLIP's pixels. */
export const clipBackground: readonly number[] = [122, 116, 104]

/**
 * Source: LLaVA, `expand2square` and transformers' CLIPImageProcessor; golden case `llava15-preprocess`.
 * @throws InputError `tiling-option`, `tiling-unknown-option`, `image-size`
 */
export function planSquare(size: Size, options: SquareOptions): TilePlan {
  knownOptions('square', options, ['tileSize', 'fit', 'background', 'shortestEdge'])
  const { fit = 'pad', background = clipBackground } = options
  const tileSize = tileSide('square', options.tileSize, 336)
  const shortestEdge = wholeNumber('square', 'shortestEdge', options.shortestEdge, tileSize, 16_384)
  if (fit !== 'pad' && fit !== 'crop') refuseOption('square', 'fit', fit, 'pad or crop')
  if (background.length !== 3) refuseOption('square', 'background', background, 'three bytes: R, G, B')
  checkSize(size)
  const frame = fit === 'pad' ? squareCanvas(size, background) : undefined
  const resizedTo = withShortestEdge(frame ?? size, shortestEdge)
  const tile = { width: tileSize, height: tileSize }
  const canvas = centreCrop(resizedTo, tileSize)
  const group: TileGroup = { name: 'tiles', columns: 1, rows: 1, resizedTo, tile, stride: tile, canvas }
  return makePlan('square', size, tileSize, [group], frame && { frame })
}

/** The shorter edge at `edge`, the longer one in proportion, cut to a whole number as transformers does it. */
function withShortestEdge({ width, height }: Size, edge: number): Size {
  const long = Math.trunc((edge * Math.max(width, height)) / Math.min(width, height))
  return width <= height ? { width: edge, height: long } : { width: long, height: edge }
}
