import type { ConversationRecord } from '../../data/records.ts'
import type { Glyph } from '../../data/synthetic/page.ts'
import { type TilePlan, tileExtents } from '../../tiling/plan.ts'
import type { Layout } from '../sample-source.ts'
import { type Cells, cellContents, numbersOf } from './contents.ts'
import { middleIn, NOWHERE, nearestPlace, PLACES } from './places.ts'

/** What the tiles of a picture show, and what can be asked of them. */
export interface SeenCells {
  /** `cellContents` */
  readonly cells: Cells
  readonly conversations: ConversationRecord['conversations']
  /** `readPlaces` of each answer. */
  readonly read: readonly (readonly number[] | undefined)[]
}

/**
 * A picture as its tiles show it, with the turns of its conversation whose answers can be read off them, or are counted or compared:
 * to answer what nobody can read is to guess. Where no turn is left, the first one stays.
 */
export function seenCells(
  layout: Layout,
  plan: TilePlan,
  side: number,
  conversations: ConversationRecord['conversations'],
): SeenCells {
  const cells = cellContents(layout, plan, side)
  const read = readPlaces(layout, plan, side, cells.contents)
  const legible = read.flatMap((places, turn) => (places?.includes(NOWHERE) ? [] : [turn]))
  const kept = legible.length > 0 ? legible : [0]
  return {
    cells,
    conversations: kept.flatMap((turn) => conversations.slice(2 * turn, 2 * turn + 2)),
    read: kept.map((turn) => read[turn]),
  }
}

/**
 * Of each answer of a picture, for each letter that it is read off the number of the place that shows it, among all of its tiles, or
 * NOWHERE; undefined where it is not read off. Of places in several tiles the first is taken: the thumbnail is last.
 * @param contents of `cellContents` of the same plan
 */
function readPlaces(
  { readings }: Layout,
  plan: TilePlan,
  side: number,
  contents: Uint16Array,
): (readonly number[] | undefined)[] {
  const extents = tileExtents(plan)
  const placeOfGlyph = (glyph: Glyph): number => {
    for (const [tile, extent] of extents.entries()) {
      const middle = middleIn(glyph, extent, side)
      const place = middle && nearestPlace(contents, tile * side * side * PLACES, middle, numbersOf(glyph)[0])
      if (place !== undefined) return place
    }
    return NOWHERE
  }
  return readings.map((glyphs) => glyphs?.map(placeOfGlyph))
}
