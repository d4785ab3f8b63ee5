import type { Dice } from '../../data/synthetic/dice.ts'
import { type CellCode, INK } from './code.ts'
import { type Cells, CONTENTS, EMPTY, ILLEGIBLE } from './contents.ts'
import { COLUMNS, PLACES } from './places.ts'

/** The most letters of a picture that are in doubt, as a share. */
const MOST_DOUBT = 0.25
/** Of letters in doubt, those of which it is in doubt as well whether they start a word. */
const PARTED = 0.2
/** Of letters in doubt, those that might as well be nothing; the others might be any other letter. */
const FAINT = 0.4
/** What a letter's code is faded to, mean and deviation: Argus' encoder shows 0.73 ± 0.14 of those that it sees right. */
const FADED = [0.75, 0.15] as const
/** Deviation of what is added to each channel of a letter; that encoder's is 0.2, where there is nothing a fifth of it. */
const NOISE = [0.05, 0.25] as const
const QUIET = 1 / 5

/**
 * Codes as an encoder shows them that is still learning: some letters lie between two codes, at times nearer to the wrong one, some
 * leave a trace in the place beside them, all are faint and inexact. A decoder that learned from exact codes alone reads nothing else.
 * cells [R, PLACES] → [R, width]
 */
export function doubtedCodes(code: CellCode, cells: Cells, dice: Dice): Float32Array<ArrayBuffer> {
  const { contents } = cells
  const coded = code.of(cells)
  const doubt = dice.float(0, MOST_DOUBT)
  const deviation = dice.float(...NOISE)
  for (const [place, content] of contents.entries()) {
    if (content === EMPTY) {
      const beside = besides(contents, place, dice)
      if (beside > ILLEGIBLE && dice.chance(doubt / 2)) lean(coded, code, place, beside, dice.random())
    } else {
      lean(coded, code, place, EMPTY, 1 - dice.normal(...FADED))
      if (!dice.chance(doubt)) continue
      if (dice.chance(PARTED)) coded[code.channelsOf(place).wordStart] = dice.float(0, INK)
      const other = dice.chance(FAINT) ? EMPTY : dice.int(ILLEGIBLE + 1, CONTENTS - 1)
      lean(coded, code, place, other, dice.random())
    }
  }
  const { width, placeWidth } = code
  for (let i = 0; i < coded.length; i++) {
    const place = Math.floor((i % width) / placeWidth)
    const isLetter = place < PLACES && contents[Math.floor(i / width) * PLACES + place] !== EMPTY
    coded[i]! += dice.normal(0, isLetter ? deviation : deviation * QUIET)
  }
  return coded
}

/** Moves the code of a place a share of the way to that of another content. */
function lean(coded: Float32Array, code: CellCode, place: number, other: number, share: number): void {
  const { placeWidth, codes } = code
  const { start, ink } = code.channelsOf(place)
  const move = (at: number, to: number) => {
    coded[at]! += share * (to - coded[at]!)
  }
  for (let i = 0; i < placeWidth; i++) move(start + i, codes.data[other * placeWidth + i]!)
  move(ink, other === EMPTY ? 0 : INK)
}

/** What stands to the left of a place or to its right, in the same or the next token. */
function besides(contents: Uint16Array, place: number, dice: Dice): number {
  const isRight = dice.chance(0.5)
  const atBorder = place % COLUMNS === (isRight ? COLUMNS - 1 : 0)
  const step = atBorder ? PLACES - COLUMNS + 1 : 1
  return contents[place + (isRight ? step : -step)] ?? EMPTY
}
