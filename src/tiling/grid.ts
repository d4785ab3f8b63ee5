import type { Size } from '../image/rgb-image.ts'
import type { Grid } from './plan.ts'
import { candidateGrids } from './python-set-order.ts'

export { candidateGrids } from './python-set-order.ts'

/** The fewest and the most tiles that a grid may have. */
export interface TileRange {
  readonly min: number
  readonly max: number
}

/**
 * The grid whose shape is nearest to the picture's, as InternVL chooses it: the first of the candidates with
 * the smallest |w/h − columns/rows|; an equally near later one (the same shape with more tiles) wins only
 * when the picture has more than half its pixels. 1×1 where `keep` leaves no candidate.
 * Source: InternVL 1.5, section 3.2, `find_closest_aspect_ratio`; golden case `internvl-tiling`.
 */
export function chooseGrid(
  size: Size,
  range: TileRange,
  tileSize: number,
  keep: (grid: Grid) => boolean = () => true,
): Grid {
  const shape = size.width / size.height
  const area = size.width * size.height
  let best: Grid = { columns: 1, rows: 1 }
  let smallest = Number.POSITIVE_INFINITY
  for (const grid of candidateGrids(range.min, range.max)) {
    if (!keep(grid)) continue
    const difference = Math.abs(shape - grid.columns / grid.rows)
    if (difference < smallest) {
      smallest = difference
      best = grid
    } else if (difference === smallest && area > 0.5 * tileSize * tileSize * grid.columns * grid.rows)
      best = grid
  }
  return best
}
