import { type TilePlan, tileExtents } from '../../tiling/plan.ts'
import type { Layout } from '../sample-source.ts'
import { type Cells, EMPTY, numbersOf } from './contents.ts'
import { COLUMNS, type Middle, middleIn, NOWHERE, nearestPlace, PLACES, placeAt, ROWS } from './places.ts'

/** A middle may be seen as far from where it is, in heights of the letter, but always as far as this, in visual tokens. */
const DOUBT = 0.12
const LEAST_DOUBT = 1.5 / 28

/** What a tile shows, and for each place the other one where its letter may be seen, or NOWHERE; [places of a tile] each. */
export interface TileContents extends Cells {
  readonly others: Int32Array
}

/** `TileContents` of all tiles of a drawn picture. */
export function tileContents(
  layout: Layout,
  plan: TilePlan,
  side: number,
  { contents, starts }: Cells,
): TileContents[] {
  const others = otherPlaces(layout, plan, side, contents)
  const perTile = side * side * PLACES
  return plan.tiles.map((_, tile) => ({
    contents: contents.subarray(tile * perTile, (tile + 1) * perTile),
    starts: starts.subarray(tile * perTile, (tile + 1) * perTile),
    others: others
      .subarray(tile * perTile, (tile + 1) * perTile)
      .map((other) => (other === NOWHERE ? NOWHERE : other - tile * perTile)),
  }))
}

/**
 * Of each place that shows a letter the place beside it, above or below where its middle might as well be seen, so near is it to
 * their border; NOWHERE where there is none, or where it shows or may show something else. [tiles · side², PLACES]
 * @param contents of `cellContents` of the same plan
 */
export function otherPlaces(
  { glyphs }: Layout,
  plan: TilePlan,
  side: number,
  contents: Uint16Array,
): Int32Array<ArrayBuffer> {
  const others = new Int32Array(contents.length).fill(NOWHERE)
  const taken = new Set<number>()
  for (const [tile, extent] of tileExtents(plan).entries())
    for (const glyph of glyphs.flat()) {
      const middle = middleIn(glyph, extent, side)
      if (!middle) continue
      const first = tile * side * side * PLACES
      const shown = numbersOf(glyph).flatMap((number) => nearestPlace(contents, first, middle, number) ?? [])
      for (const [part, place] of shown.entries()) {
        const isFree = (at: number) => contents[first + at] === EMPTY && !taken.has(first + at)
        const other = beside(middle, part, (place - first) % COLUMNS, side).find(isFree)
        if (other === undefined || others[place] !== NOWHERE) continue
        others[place] = first + other
        taken.add(first + other)
      }
    }
  return others
}

/**
 * The places beside that of a middle, above and below, to which it is near, the nearest first.
 * @param part of the glyph
 * @param shown the column in the token that shows it
 */
function beside({ x, y, step, rowStep, size }: Middle, part: number, shown: number, side: number): number[] {
  const [left, above] = [Math.floor(x / step) * step, Math.floor(y / rowStep) * rowStep]
  const column = Math.floor(x / COLUMNS) * COLUMNS + shown
  const near = Math.max(LEAST_DOUBT, DOUBT * size)
  return [
    { x: left - step + part, y: above, far: (x - left) / COLUMNS },
    { x: left + step + part, y: above, far: (left + step - x) / COLUMNS },
    { x: column, y: above - rowStep, far: (y - above) / ROWS },
    { x: column, y: above + rowStep, far: (above + rowStep - y) / ROWS },
  ]
    .filter(({ x, y, far }) => far < near && x >= 0 && y >= 0 && x < side * COLUMNS && y < side * ROWS)
    .sort((a, b) => a.far - b.far)
    .map(({ x, y }) => placeAt(x, y, side))
}
