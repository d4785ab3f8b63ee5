import type { Glyph } from '../../data/synthetic/page.ts'
import { type TilePlan, tileExtents } from '../../tiling/plan.ts'
import type { Layout } from '../sample-source.ts'
import { alphabet } from './alphabet.ts'
import { COLUMNS, middleIn, PLACES } from './places.ts'

/** What may stand in a place: nothing, something that is too small or too crowded to be read, a letter. */
export const EMPTY = 0
export const ILLEGIBLE = 1
const FIRST_LETTER = 2
export const CONTENTS: number = FIRST_LETTER + alphabet.length
const numbers: ReadonlyMap<string, number> = new Map(alphabet.map((letter, i) => [letter, FIRST_LETTER + i]))

/** What one glyph fills places with: a letter one, a shape one with its shade and the next with its form. */
export function numbersOf({ letter }: Glyph): readonly (number | undefined)[] {
  const end = letter.lastIndexOf(' ')
  return (end > 0 ? [letter.slice(0, end), letter.slice(end + 1)] : [letter]).map((part) => numbers.get(part))
}

/** What places show. */
export interface Cells {
  /** [tiles · side², PLACES]: EMPTY, ILLEGIBLE or the number of a letter. */
  readonly contents: Uint16Array<ArrayBuffer>
  /** 1 where a letter is the first of its word: how wide a space is, only the eye can tell. Of the same shape. */
  readonly starts: Uint8Array
}

/** A capital of fewer pixels of a tile cannot be read, nor one that is so tall, but squeezed as narrow as one that is not. */
const LEAST_HEIGHT = 7

/**
 * What each visual token of a picture shows: [tiles · side², PLACES], tiles in the plan's order, tokens row by row. Letters keep
 * their order in a row of a token; where more than four, or those of several lines, meet in one, it is illegible.
 * @param side visual tokens along a side of a tile
 */
export function cellContents({ glyphs }: Layout, plan: TilePlan, side: number): Cells {
  const contents = new Uint16Array(plan.tiles.length * side * side * PLACES)
  const starts = new Uint8Array(contents.length)
  for (const [tile, extent] of tileExtents(plan).entries()) {
    const shown = Math.max(extent.x1 - extent.x0, extent.y1 - extent.y0)
    const rows = new Map<number, Row>()
    for (const letters of glyphs)
      for (const glyph of letters) {
        const place = middleIn(glyph, extent, side)
        if (!place) continue
        const at = tile * side * side * PLACES + place.row
        const row = rows.get(at) ?? { y: glyph.y, isLegible: true, letters: [] }
        const tall = Math.abs(glyph.height)
        const isInLine = Math.abs(glyph.y - row.y) < tall / 2
        const isBigEnough = (tall / shown) * plan.tileSize >= LEAST_HEIGHT
        for (const number of numbersOf(glyph)) {
          row.isLegible &&= isInLine && isBigEnough && number !== undefined
          row.letters.push({ number: number ?? ILLEGIBLE, startsWord: glyph.startsWord ?? false, ...place })
        }
        rows.set(at, row)
      }
    for (const [at, row] of rows)
      for (const [column, letter] of placed(row).entries()) {
        contents[at + column] = letter.number
        starts[at + column] = Number(letter.startsWord)
      }
  }
  return { contents, starts }
}

/** The letters of one line in one row of a token. */
interface Row {
  /** Of the first one. */
  readonly y: number
  isLegible: boolean
  readonly letters: (Shown & { readonly column: number; readonly step: number })[]
}

/** What a place shows, and whether it starts a word. */
interface Shown {
  readonly number: number
  readonly startsWord: boolean
}

/**
 * Each letter in the column where its middle is, or the first of as many as `step`, or the nearest that is free; two of the same
 * middle beside each other.
 */
function placed({ isLegible, letters }: Row): Shown[] {
  const places = Array<Shown>(COLUMNS).fill({ number: EMPTY, startsWord: false })
  if (!isLegible || letters.length > COLUMNS) {
    for (const { column } of letters) places[Math.floor(column)] = { number: ILLEGIBLE, startsWord: false }
    return places
  }
  const inOrder = letters.toSorted((a, b) => a.column - b.column)
  let free = 0
  for (const [i, { column, step, ...shown }] of inOrder.entries()) {
    const last = COLUMNS - (inOrder.length - i)
    const at = Math.min(Math.max(Math.floor(column / step) * step, free), last)
    places[at] = shown
    free = at + 1
  }
  return places
}
