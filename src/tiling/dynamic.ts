import { centred } from '../image/canvas.ts'
import { checkSize, type Size } from '../image/rgb-image.ts'
import { chooseGrid, type TileRange } from './grid.ts'
import { knownOptions, tileRange, tileSide } from './options.ts'
import { gridGroup, groupTiles, makePlan, type TileGroup, type TilePlan, wholeGroup } from './plan.ts'

/** The mean colour of ImageNet's pictures, which is 0 in each channel for InternVL's towers. */
const imageNetBackground: readonly number[] = [124, 116, 104]

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
  /**
   * Panoptes' own: whether a picture that fits into as many tiles as there may be keeps its size, in the middle of whole tiles,
   * where the published code makes it fill them: text is seen at the size that it has, and in fewer tiles. Default false.
   */
  readonly keepsSize?: boolean
}

/**
 * Source: InternVL 1.5, section 3.2; `dynamic_preprocess`; golden cases `internvl-tiling`, `internvl-pixels`.
 * @throws InputError `tiling-option`, `tiling-unknown-option`, `image-size`
 */
export function planDynamic(size: Size, options: DynamicOptions): TilePlan {
  knownOptions('dynamic', options, ['tileSize', 'minTiles', 'maxTiles', 'usesThumbnail', 'keepsSize'])
  const { minTiles = 1, maxTiles = Math.max(12, minTiles), usesThumbnail = true } = options
  const tileSize = tileSide('dynamic', options.tileSize)
  checkSize(size)
  const range = tileRange('dynamic', 'minTiles', minTiles, 'maxTiles', maxTiles)
  const tiles =
    (options.keepsSize && unresized(size, range, tileSize)) ||
    gridGroup('tiles', chooseGrid(size, range, tileSize), tileSize)
  const groups = usesThumbnail && groupTiles(tiles) > 1 ? [tiles, wholeGroup('thumbnail', tileSize)] : [tiles]
  return makePlan('dynamic', size, tileSize, groups)
}

/** The whole tiles that hold a picture as it is; undefined where they are too many or too few. */
function unresized(size: Size, { min, max }: TileRange, tileSize: number): TileGroup | undefined {
  const { width, height } = size
  const grid = { columns: Math.ceil(width / tileSize), rows: Math.ceil(height / tileSize) }
  const tiles = gridGroup('tiles', grid, tileSize)
  const count = groupTiles(tiles)
  if (count < min || count > max) return undefined
  return {
    ...tiles,
    resizedTo: { width, height },
    canvas: centred(size, tiles.resizedTo, imageNetBackground),
  }
}
