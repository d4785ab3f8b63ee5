import { checkSize, type Size } from '../image/rgb-image.ts'
import { chooseGrid } from './grid.ts'
import { knownOptions, tileRange, tileSide } from './options.ts'
import { gridGroup, groupTiles, makePlan, type TilePlan, wholeGroup } from './plan.ts'

/** InternVL's dynamic tiling: the grid nearest in shape, then the whole picture as a thumbnail. */
export interface DynamicOptions {
  readonly strategy: 'dynamic'
  /** Default 448. */
  readonly tileSize?: number
  /** Default 1. */
  readonly minTiles?: number
  /** Without the thumbnail; default 12. */
  readonly maxTiles?: number
  /** Default true. A 1×1 grid never gets one, being the whole picture already. */
  readonly usesThumbnail?: boolean
}

/**
 * Source: InternVL 1.5, section 3.2; `dynamic_preprocess`; golden cases `internvl-tiling`, `internvl-pixels`.
 * @throws InputError `tiling-option`, `tiling-unknown-option`, `image-size`
 */
export function planDynamic(size: Size, options: DynamicOptions): TilePlan {
  knownOptions('dynamic', options, ['tileSize', 'minTiles', 'maxTiles', 'usesThumbnail'])
  const { minTiles = 1, maxTiles = Math.max(12, minTiles), usesThumbnail = true } = options
  const tileSize = tileSide('dynamic', options.tileSize)
  checkSize(size)
  const grid = chooseGrid(size, tileRange('dynamic', 'minTiles', minTiles, 'maxTiles', maxTiles), tileSize)
  const tiles = gridGroup('tiles', grid, tileSize)
  const groups = usesThumbnail && groupTiles(tiles) > 1 ? [tiles, wholeGroup('thumbnail', tileSize)] : [tiles]
  return makePlan('dynamic', size, tileSize, groups)
}
