import { centred } from '../image/canvas.ts'
import { checkSize, type Size } from '../image/rgb-image.ts'
import { knownOptions, refuseOption, tileSide } from './options.ts'
import { gridGroup, makePlan, type TilePlan, wholeGroup } from './plan.ts'

/** LLaVA-NeXT's any resolution: the whole picture as one tile, then a canvas that suits its shape, cut into tiles. */
export interface AnyResOptions {
  readonly strategy: 'anyres'
  /** Default 336. */
  readonly tileSize?: number
  /**
   * The canvases to choose from (`image_grid_pinpoints`), sides in whole tiles; default those of LLaVA 1.6: 1×2, 2×1,
   * 2×2, 3×1, 1×3 tiles.
   */
  readonly pinpoints?: readonly Size[]
}

const defaultGrids = [
  [1, 2],
  [2, 1],
  [2, 2],
  [3, 1],
  [1, 3],
] as const

/**
 * Source: LLaVA-NeXT, `process_anyres_image`; golden cases `llava15-anyres`, `llava15-preprocess`.
 * @throws InputError `tiling-option`, `tiling-unknown-option`, `image-size`
 */
export function planAnyRes(size: Size, options: AnyResOptions): TilePlan {
  knownOptions('anyres', options, ['tileSize', 'pinpoints'])
  const tileSize = tileSide('anyres', options.tileSize, 336)
  const pinpoints =
    options.pinpoints ??
    defaultGrids.map(([columns, rows]) => ({ width: columns * tileSize, height: rows * tileSize }))
  if (pinpoints.length === 0 || pinpoints.some((canvas) => !isWholeTiles(canvas, tileSize)))
    refuseOption('anyres', 'pinpoints', pinpoints, `canvases whose sides are multiples of ${tileSize}`)
  checkSize(size)
  const canvas = bestCanvas(size, pinpoints)
  const grid = { columns: canvas.width / tileSize, rows: canvas.height / tileSize }
  const resizedTo = fitInto(size, canvas)
  const tiles = {
    ...gridGroup('tiles', grid, tileSize),
    resizedTo,
    canvas: centred(resizedTo, canvas, [0, 0, 0]),
  }
  return makePlan('anyres', size, tileSize, [wholeGroup('global', tileSize), tiles])
}

function isWholeTiles({ width, height }: Size, tileSize: number): boolean {
  return [width, height].every((side) => Number.isInteger(side / tileSize) && side > 0)
}

/** The canvas that keeps the most of the picture's pixels, then the one that wastes the fewest of its own. */
export function bestCanvas({ width, height }: Size, canvases: readonly Size[]): Size {
  let best = canvases[0]!
  let most = 0
  let fewest = Number.POSITIVE_INFINITY
  for (const canvas of canvases) {
    const scale = Math.min(canvas.width / width, canvas.height / height)
    const shown = Math.trunc(width * scale) * Math.trunc(height * scale)
    const kept = Math.min(shown, width * height)
    const wasted = canvas.width * canvas.height - kept
    if (kept > most || (kept === most && wasted < fewest)) {
      best = canvas
      most = kept
      fewest = wasted
    }
  }
  return best
}

/** The largest size of the picture's shape in the canvas, its other side rounded up. */
function fitInto({ width, height }: Size, canvas: Size): Size {
  const across = canvas.width / width
  const down = canvas.height / height
  return across < down
    ? { width: canvas.width, height: Math.min(Math.ceil(height * across), canvas.height) }
    : { width: Math.min(Math.ceil(width * down), canvas.width), height: canvas.height }
}
