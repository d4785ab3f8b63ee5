import type { Glyph } from '../../data/synthetic/page.ts'
import type { Rectangle } from '../../tiling/plan.ts'

/** The part of a tile that one visual token stands for has places for letters: two rows of four. */
export const PLACES = 8
export const ROWS = 2
export const COLUMNS = 4

/** Of letters whose capitals are as tall, in visual tokens, it can be told only in which half of a token their middle is. */
const WIDE = 1 / ROWS
/** Of these only in which token. */
const TALL = 1

/** Where a glyph has no place. */
export const NOWHERE = -1

/** Where the middle of a glyph is in a tile. */
export interface Middle {
  /** The first place of its row of a token, among those of the tile. */
  readonly row: number
  /** From the left end of the token, in columns. */
  readonly column: number
  /** In how many columns, and rows, it cannot be told where it is. */
  readonly step: number
  readonly rowStep: number
  /** From the left and upper ends of the tile, in columns and rows. */
  readonly x: number
  readonly y: number
  /** Height of the glyph's line, in visual tokens. */
  readonly size: number
}

/** The middle of a glyph in a tile; undefined outside of it. @param side visual tokens along a side of a tile */
export function middleIn(
  { x, y, height }: Glyph,
  { x0, y0, x1, y1 }: Rectangle,
  side: number,
): Middle | undefined {
  const u = ((x - x0) / (x1 - x0)) * side
  const v = ((y - y0) / (y1 - y0)) * side
  if (!(u >= 0 && u < side && v >= 0 && v < side)) return undefined
  const size = (Math.abs(height) / (y1 - y0)) * side
  const [step, rowStep] = size >= TALL ? [COLUMNS, ROWS] : [size >= WIDE ? COLUMNS / 2 : 1, 1]
  const row = placeAt(Math.floor(u) * COLUMNS, Math.floor((v * ROWS) / rowStep) * rowStep, side)
  return { row, column: (u % 1) * COLUMNS, step, rowStep, x: u * COLUMNS, y: v * ROWS, size }
}

/** The number of the place in a column and a row of a tile. */
export function placeAt(x: number, y: number, side: number): number {
  const token = Math.floor(y / ROWS) * side + Math.floor(x / COLUMNS)
  return token * PLACES + (y % ROWS) * COLUMNS + (x % COLUMNS)
}

/** Of the places of a row that show a content, the nearest to a middle; undefined where none does. */
export function nearestPlace(
  contents: Uint16Array,
  first: number,
  { row, column }: Middle,
  content: number | undefined,
): number | undefined {
  const places = Array.from({ length: COLUMNS }, (_, at) => first + row + at)
  const distance = (place: number) => Math.abs(place - first - row - column)
  return places
    .filter((place) => contents[place] === content)
    .sort((a, b) => distance(a) - distance(b))
    .at(0)
}
