import type { Size } from '../image/rgb-image.ts'
import { knownOptions, tileSide } from './options.ts'
import { makePlan, type TilePlan, wholeGroup } from './plan.ts'

/** The whole picture as one tile, its shape ignored: video frames, and models without tiles. */
export interface SingleOptions {
  readonly strategy: 'single'
  /** Default 448. */
  readonly tileSize?: number
}

/** @throws InputError `tiling-option`, `tiling-unknown-option`, `image-size` */
export function planSingle(size: Size, options: SingleOptions): TilePlan {
  knownOptions('single', options, ['tileSize'])
  const tileSize = tileSide('single', options.tileSize)
  return makePlan('single', size, tileSize, [wholeGroup('tiles', tileSize)])
}
