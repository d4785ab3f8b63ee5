import { checkSize, type Size } from '../image/rgb-image.ts'
import { InputError } from '../tensor/errors.ts'
import { knownOptions, refuseOption, tileSide, wholeNumber } from './options.ts'
import { makePlan, type TileGroup, type TilePlan, wholeGroup } from './plan.ts'
import { windowCount } from './windows.ts'

/** One canvas for every picture, cut into windows that overlap, then the whole canvas as a global view. */
export interface OverlappingOptions {
  readonly strategy: 'overlapping'
  /** Side of a window; default 448. */
  readonly tileSize?: number
  /** Default twice the tile size in both directions. */
  readonly canvas?: Size
  /** Pixels of the canvas from one window to the next; default half the tile size. */
  readonly stride?: number
  /** Default true. */
  readonly usesGlobal?: boolean
}

/**
 * Source: Mini-Monkey's baseline `overlapping cropping`; Monkey's `sliding_window`; golden case
 * `minimonkey-strategies` (`window_overlap`).
 * @throws InputError `tiling-option`, `tiling-unknown-option`, `image-size`; `tiling-uncovered` when the
 * windows leave a margin of the canvas unseen and there is no global view to show it.
 */
export function planOverlapping(size: Size, options: OverlappingOptions): TilePlan {
  knownOptions('overlapping', options, ['tileSize', 'canvas', 'stride', 'usesGlobal'])
  const tileSize = tileSide('overlapping', options.tileSize)
  const { canvas = { width: tileSize * 2, height: tileSize * 2 }, usesGlobal = true } = options
  const stride = wholeNumber(
    'overlapping',
    'stride',
    options.stride,
    Math.max(1, Math.floor(tileSize / 2)),
    tileSize,
  )
  checkSize(canvas)
  if (Math.min(canvas.width, canvas.height) < tileSize)
    refuseOption('overlapping', 'canvas', canvas, `sides of at least the tile size, ${tileSize}`)
  const right = (canvas.width - tileSize) % stride
  const below = (canvas.height - tileSize) % stride
  if (!usesGlobal && (right > 0 || below > 0))
    throw new InputError(
      'tiling-uncovered',
      `Windows of ${tileSize} with stride ${stride} leave ${right} pixels at the right and ${below} below ` +
        `of the ${canvas.width}×${canvas.height} canvas unseen. ` +
        'Choose a stride that divides the rest, or keep the global view.',
      { tileSize, stride, canvas, right, below },
    )
  const tiles: TileGroup = {
    name: 'tiles',
    columns: windowCount(canvas.width, tileSize, stride),
    rows: windowCount(canvas.height, tileSize, stride),
    resizedTo: { width: canvas.width, height: canvas.height },
    tile: { width: tileSize, height: tileSize },
    stride: { width: stride, height: stride },
  }
  const whole = { ...wholeGroup('global', tileSize), floatFrom: tiles.resizedTo }
  return makePlan('overlapping', size, tileSize, usesGlobal ? [tiles, whole] : [tiles])
}
