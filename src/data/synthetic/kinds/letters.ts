import { anyCells, anyLetter, cellTasks, EMPTY_CELL, letterOrDigit, lettersOf } from '../copying.ts'
import type { Dice } from '../dice.ts'
import { type Asked, type Compose, derived } from '../kind.ts'
import { anyLook, fillGround, type Look, plainLook } from '../look.ts'
import { type Mark, Page } from '../page.ts'

const side = 8
const cell = 28
/** Room for accents and tails; narrow, so that each letter stays in its token's part of the picture. */
const margin = 4

/**
 * Eight rows of eight big letters or digits, dark on white, as on a chart for the eyes: the first thing to read. Each stands
 * in a visual token of its own.
 */
export const letterChart: Compose = (dice, fonts) => {
  const look = plainLook(dice, fonts)
  const cells = Array.from({ length: side * side }, () => drawable(letterOrDigit(dice), look))
  const { page, marks } = drawCells(cells, look, dice.float(17, 23), 1.5, dice)
  return { page, subject: 'cutting', asked: [everyCell(cells, marks)] }
}

/** A letter or nothing in each of 8 × 8 cells, in any look. Asked for are every cell, and the letters alone. */
export const letterCells: Compose = (dice, fonts) => {
  const look = dice.chance(0.6) ? plainLook(dice, fonts) : anyLook(dice, fonts)
  const cells = anyCells(dice, side * side, 0.5).map((letter) => drawable(letter, look))
  const { page, marks } = drawCells(cells, look, dice.float(12, 18), 3, dice)
  const letters = derived('letters.letters', cellTasks.letters, lettersOf(cells), marks)
  return { page, subject: 'cutting', asked: [everyCell(cells, marks), letters] }
}

/** Plain letters of one size, each anywhere in its own part of the picture: what stands where is no longer settled. */
export const looseLetters: Compose = (dice, fonts) => {
  const look = plainLook(dice, fonts)
  const size = dice.float(14, 34)
  const page = new Page(side * cell, side * cell)
  fillGround(page, look)
  const part = size * dice.float(1.15, 1.5)
  const count = Math.floor((page.width - 16) / part)
  const from = (page.width - count * part) / 2
  const rows = Array.from({ length: count }, (_, row) =>
    Array.from({ length: count }, (_, column) => {
      const letter = drawable(anyLetter(dice), look)
      const free = part - page.widthOf(letter, { ...look, size })
      const x = from + column * part + Math.max(0, dice.float(0, free))
      const y = from + row * part + size * 0.85 + dice.float(0, part - size) * 0.8
      return page.write(letter, x, y, { ...look, size })
    }),
  )
  const at = dice.int(0, count - 1)
  const letters = rows[at]!.map(({ text }) => text).join('')
  return {
    page,
    subject: 'cutting',
    asked: [derived('loose-letters.row', `Which letters stand in row ${at + 1}?`, letters, rows[at]!)],
  }
}

function everyCell(cells: readonly string[], marks: readonly Mark[]): Asked {
  return derived('letters.cells', cellTasks.every, cells.join(''), marks)
}

/** Some families have capitals only, and ß has none of one letter. */
function drawable(letter: string, { family }: Look): string {
  if (!family.isCapsOnly) return letter
  return letter === 'ß' ? 'S' : letter.toUpperCase()
}

function drawCells(
  cells: readonly string[],
  look: Look,
  size: number,
  jitter: number,
  dice: Dice,
): { readonly page: Page; readonly marks: Mark[] } {
  const page = new Page(side * cell + 2 * margin, side * cell + 2 * margin)
  fillGround(page, look)
  const { family, face, color } = look
  const marks = cells.flatMap((letter, i) => {
    if (letter === EMPTY_CELL) return []
    const x = margin + cell * ((i % side) + 0.5) + dice.float(-jitter, jitter)
    const y = margin + cell * (Math.floor(i / side) + 0.5) + size * 0.34 + dice.float(0, jitter)
    return [page.write(letter, x, y, { family, face, size, color, align: 'center' })]
  })
  return { page, marks }
}
