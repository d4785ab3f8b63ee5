import type { Glyph } from '../../data/synthetic/page.ts'
import type { Rectangle, TilePlan } from '../../tiling/plan.ts'
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
const LEAST_HEIGHT = 7
/** Of letters whose capitals are as tall, in visual tokens, it can be told only in which half of a token their middle is. */
const WIDE = 1 / ROWS
/** Of these only in which token. */
const TALL = 1

/**
 * What each visual token of a picture shows: [tiles · side², PLACES], tiles in the plan's order, tokens row by row. Letters keep
 * their order in a row of a token; where more than four, or those of several lines, meet in one, it is illegible.
 * @param side visual tokens along a side of a tile
 */
export function cellContents({ glyphs }: Layout, plan: TilePlan, side: number): Uint16Array<ArrayBuffer> {
  const contents = new Uint16Array(plan.tiles.length * side * side * PLACES)
  for (const [tile, { source }] of plan.tiles.entries()) {
    const height = source.y1 - source.y0
    const rows = new Map<number, Row>()
    for (const letters of glyphs)
      for (const glyph of letters) {
        const place = placeOf(glyph, source, side)
        if (!place) continue
        const at = tile * side * side * PLACES + place.row
        const row = rows.get(at) ?? { y: glyph.y, isLegible: true, letters: [] }
        const tall = Math.abs(glyph.height)
        const isInLine = Math.abs(glyph.y - row.y) < tall / 2
        const isBigEnough = (tall / height) * plan.tileSize >= LEAST_HEIGHT
        row.isLegible &&= isInLine && isBigEnough && numbers.has(glyph.letter)
        row.letters.push({ number: numbers.get(glyph.letter) ?? ILLEGIBLE, ...place })
        rows.set(at, row)
      }
    for (const [at, row] of rows) contents.set(placed(row), at)
  }
  return contents
}

/** `cellContents` tile by tile, [side², PLACES] each. */
export function byTile(contents: Uint16Array, { tiles }: TilePlan): Uint16Array[] {
  const perTile = contents.length / tiles.length
  return tiles.map((_, tile) => contents.subarray(tile * perTile, (tile + 1) * perTile))
}

/**
 * Of each answer of a picture, for each letter that it is read off the number of the place that shows it, among all of its tiles, or
 * NOWHERE; undefined where it is not read off. Of places in several tiles the first is taken: the thumbnail is last.
 * @param contents `cellContents` of the same plan
 */
export function readPlaces(
  { readings }: Layout,
  plan: TilePlan,
  side: number,
  contents: Uint16Array,
): (readonly number[] | undefined)[] {
  const placeOfGlyph = (glyph: Glyph): number => {
    const number = numbers.get(glyph.letter)
    for (const [tile, { source }] of plan.tiles.entries()) {
      const near = placeOf(glyph, source, side)
      if (!near) continue
      const row = tile * side * side * PLACES + near.row
      const places = Array.from({ length: COLUMNS }, (_, column) => row + column)
      const [nearest] = places
        .filter((place) => contents[place] === number)
        .sort((a, b) => Math.abs(a - row - near.column) - Math.abs(b - row - near.column))
      if (nearest !== undefined) return nearest
    }
    return NOWHERE
  }
  return readings.map((glyphs) => glyphs?.map(placeOfGlyph))
}

/** Where nothing is to be looked at. */
export const NOWHERE = -1

/**
 * The first place of the row of a token in which a glyph's middle is, among those of a tile, and the column there, which is told
 * in steps; undefined outside.
 */
function placeOf(
  { x, y, height }: Glyph,
  { x0, y0, x1, y1 }: Rectangle,
  side: number,
): { readonly row: number; readonly column: number; readonly step: number } | undefined {
  const u = ((x - x0) / (x1 - x0)) * side
  const v = ((y - y0) / (y1 - y0)) * side
  if (!(u >= 0 && u < side && v >= 0 && v < side)) return undefined
  const token = Math.floor(v) * side + Math.floor(u)
  const size = (Math.abs(height) / (y1 - y0)) * side
  const row = token * PLACES + (size >= TALL ? 0 : Math.floor((v % 1) * ROWS) * COLUMNS)
  return { row, column: (u % 1) * COLUMNS, step: size >= TALL ? COLUMNS : size >= WIDE ? COLUMNS / 2 : 1 }
}

/** The letters of one line in one row of a token. */
interface Row {
  /** Of the first one. */
  readonly y: number
  isLegible: boolean
  readonly letters: { readonly number: number; readonly column: number; readonly step: number }[]
}

/** Each letter in the column where its middle is, or the first of as many as `step`, or the nearest that is free. */
function placed({ isLegible, letters }: Row): number[] {
  const places = Array<number>(COLUMNS).fill(EMPTY)
  if (!isLegible || letters.length > COLUMNS) {
    for (const { column } of letters) places[Math.floor(column)] = ILLEGIBLE
    return places
  }
  const inOrder = letters.toSorted((a, b) => a.column - b.column)
  let free = 0
  for (const [i, { number, column, step }] of inOrder.entries()) {
    const last = COLUMNS - (inOrder.length - i)
    const at = Math.min(Math.max(Math.floor(column / step) * step, free), last)
    places[at] = number
    free = at + 1
  }
  return places
}
