import type { Size } from '../image/rgb-image.ts'
import { knownOptions, tileSide, wholeNumber } from './options.ts'
import { gridGroup, makePlan, type TilePlan, wholeGroup } from './plan.ts'

/** One canvas for every picture, cut without overlap, then the whole canvas as a global view. */
export interface FixedOptions {
  readonly strategy: 'fixed'
  /** Default 448. */
  readonly tileSize?: number
  /** Tiles across the canvas; default 2 (Monkey's 896×896). */
  readonly columns?: number
  /** Tiles down the canvas; default 2. */
  readonly rows?: number
  /** Default true. */
  readonly usesGlobal?: boolean
}

/**
 * Source: Monkey (arXiv 2311.06607), section 3.1; Mini-Monkey's baseline `fixed size cropping`; golden case
 * `minimonkey-strategies` (`window_fixed`, `window_global`).
 * @throws InputError `tiling-option`, `tiling-unknown-option`, `image-size`
 */
export function planFixed(size: Size, options: FixedOptions): TilePlan {
  knownOptions('fixed', options, ['tileSize', 'columns', 'rows', 'usesGlobal'])
  const tileSize = tileSide('fixed', options.tileSize)
  const columns = wholeNumber('fixed', 'columns', options.columns, 2)
  const rows = wholeNumber('fixed', 'rows', options.rows, 2)
  const tiles = gridGroup('tiles', { columns, rows }, tileSize)
  const whole = { ...wholeGroup('global', tileSize), floatFrom: tiles.resizedTo }
  return makePlan('fixed', size, tileSize, options.usesGlobal === false ? [tiles] : [tiles, whole])
}
