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
/** Deviation of what is added to each channel of a code, since encoders do not hit them exactly; to empty places half of it. */
const NOISE = [0.03, 0.2] as const

/**
 * Codes as an encoder shows them that is still learning: some letters lie between two codes, at times nearer to the wrong one, some
 * leave a trace in the place beside them, all are inexact. A decoder that learned from exact codes alone reads nothing else.
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
      if (beside > ILLEGIBLE && dice.chance(doubt / 2)) lean(coded, code, place, beside, dice)
    } else if (dice.chance(doubt)) {
      if (dice.chance(PARTED)) coded[code.channelsOf(place).wordStart] = dice.float(0, INK)
      lean(coded, code, place, dice.chance(FAINT) ? EMPTY : dice.int(ILLEGIBLE + 1, CONTENTS - 1), dice)
    }
  }
  const { width, placeWidth } = code
  for (let i = 0; i < coded.length; i++) {
    const place = Math.floor((i % width) / placeWidth)
    const isEmpty = contents[Math.floor(i / width) * PLACES + place] === EMPTY
    coded[i]! += dice.normal(0, isEmpty ? deviation / 2 : deviation)
  }
  return coded
}

/** Moves the code of a place some of the way to that of another content. */
function lean(coded: Float32Array, code: CellCode, place: number, other: number, dice: Dice): void {
  const { placeWidth, codes } = code
  const { start, ink } = code.channelsOf(place)
  const share = dice.random()
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
