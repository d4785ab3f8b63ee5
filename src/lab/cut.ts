import type { Box } from '../data/synthetic/page.ts'
import type { TilePlan } from '../tiling/plan.ts'

/**
 * Whether a box, in the picture's pixels, is cut wherever it is seen at more than the size of a thumbnail: no tile of any
 * group but those of one tile shows all of it. False where the whole picture is one tile.
 */
export function isCut({ groups, tiles }: TilePlan, [left, top, right, bottom]: Box): boolean {
  const detailed = tiles.filter(({ group }) => groups[group]!.columns * groups[group]!.rows > 1)
  if (detailed.length === 0) return false
  return !detailed.some(
    ({ source }) => source.x0 <= left && source.y0 <= top && source.x1 >= right && source.y1 >= bottom,
  )
}
