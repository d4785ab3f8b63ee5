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
  /** Of each answer, for each letter that it is read off the place that shows it; undefined where it is not read off. */
  readonly read: readonly (readonly number[] | undefined)[]
  /** The letters of the picture, line by line. */
  readonly lines: Layout['glyphs']
  /** The number of the place that shows a letter, among all of the tiles, or NOWHERE; of several the first: the thumbnail is last. */
  readonly placeOf: (glyph: Glyph) => number
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
  const placeOf = placeFinder(plan, side, cells.contents)
  const read = layout.readings.map((glyphs) => glyphs?.map(placeOf))
  const legible = read.flatMap((places, turn) => (places?.includes(NOWHERE) ? [] : [turn]))
  const kept = legible.length > 0 ? legible : [0]
  return {
    cells,
    conversations: kept.flatMap((turn) => conversations.slice(2 * turn, 2 * turn + 2)),
    read: kept.map((turn) => read[turn]),
    lines: layout.glyphs,
    placeOf,
  }
}

/** @param contents of `cellContents` of the same plan */
function placeFinder(plan: TilePlan, side: number, contents: Uint16Array): SeenCells['placeOf'] {
  const extents = tileExtents(plan)
  return (glyph) => {
    for (const [tile, extent] of extents.entries()) {
      const middle = middleIn(glyph, extent, side)
      const place = middle && nearestPlace(contents, tile * side * side * PLACES, middle, numbersOf(glyph)[0])
      if (place !== undefined) return place
    }
    return NOWHERE
  }
}
