import type { TilePlan } from '../../tiling/plan.ts'
import type { Layout } from '../sample-source.ts'
import { alphabet } from './alphabet.ts'

/** The part of a tile that one visual token stands for has places for letters: two rows of four. */
export const PLACES = 8
const ROWS = 2
const COLUMNS = 4

/** What may stand in a place: nothing, something that is too small or too crowded to be read, a letter. */
export const EMPTY = 0
export const ILLEGIBLE = 1
const FIRST_LETTER = 2
export const CONTENTS: number = FIRST_LETTER + alphabet.length
const numbers: ReadonlyMap<string, number> = new Map(alphabet.map((letter, i) => [letter, FIRST_LETTER + i]))

/** A capital of fewer pixels of a tile cannot be read. */
const LEAST_HEIGHT = 5.5

/**
 * What each visual token of a picture shows: [tiles · side², PLACES], tiles in the plan's order, tokens row by row. Letters keep
 * their order in a row of a token; where more than four, or those of several lines, meet in one, it is illegible.
 * @param side visual tokens along a side of a tile
 */
export function cellContents({ glyphs }: Layout, plan: TilePlan, side: number): Uint16Array<ArrayBuffer> {
  const contents = new Uint16Array(plan.tiles.length * side * side * PLACES)
  for (const [tile, { source }] of plan.tiles.entries()) {
    const [width, height] = [source.x1 - source.x0, source.y1 - source.y0]
    const rows = new Map<number, Row>()
    for (const letters of glyphs)
      for (const glyph of letters) {
        const u = ((glyph.x - source.x0) / width) * side
        const v = ((glyph.y - source.y0) / height) * side
        if (!(u >= 0 && u < side && v >= 0 && v < side)) continue
        const token = (tile * side + Math.floor(v)) * side + Math.floor(u)
        const at = token * PLACES + Math.floor((v % 1) * ROWS) * COLUMNS
        const row = rows.get(at) ?? { y: glyph.y, isLegible: true, letters: [] }
        const tall = Math.abs(glyph.height)
        const isInLine = Math.abs(glyph.y - row.y) < tall / 2
        const isLarge = (tall / height) * plan.tileSize >= LEAST_HEIGHT
        row.isLegible &&= isInLine && isLarge && numbers.has(glyph.letter)
        row.letters.push({ number: numbers.get(glyph.letter) ?? ILLEGIBLE, column: (u % 1) * COLUMNS })
        rows.set(at, row)
      }
    for (const [at, row] of rows) contents.set(placed(row), at)
  }
  return contents
}

/** `cellContents` tile by tile, [side², PLACES] each. */
export function tileContents(layout: Layout, plan: TilePlan, side: number): Uint16Array<ArrayBuffer>[] {
  const contents = cellContents(layout, plan, side)
  const perTile = side * side * PLACES
  return plan.tiles.map((_, tile) => contents.subarray(tile * perTile, (tile + 1) * perTile))
}

/** The letters of one line in one row of a token. */
interface Row {
  /** Of the first one. */
  readonly y: number
  isLegible: boolean
  readonly letters: { readonly number: number; readonly column: number }[]
}

/** Each letter in the column where its middle is, or the nearest that is free. */
function placed({ isLegible, letters }: Row): number[] {
  const places = Array<number>(COLUMNS).fill(EMPTY)
  if (!isLegible || letters.length > COLUMNS) {
    for (const { column } of letters) places[Math.floor(column)] = ILLEGIBLE
    return places
  }
  const inOrder = letters.toSorted((a, b) => a.column - b.column)
  let free = 0
  for (const [i, { number, column }] of inOrder.entries()) {
    const last = COLUMNS - (inOrder.length - i)
    const at = Math.min(Math.max(Math.floor(column), free), last)
    places[at] = number
    free = at + 1
  }
  return places
}
