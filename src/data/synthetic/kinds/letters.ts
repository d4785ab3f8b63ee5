import { anyCells, cellTasks, EMPTY_CELL, lettersOf } from '../copying.ts'
import { type Compose, derived } from '../kind.ts'
import { anyLook, fillGround } from '../look.ts'
import { Page } from '../page.ts'

const side = 8
const cell = 28
/** Narrow enough that each letter stays in its token's part of the picture. */
const margin = 8

/**
 * Eight rows of eight cells with a letter each, or nothing, as on a chart for the eyes. One question asks for every
 * cell: with `labels: visual-tokens` in a recipe, each token of an 8 × 8 tile learns its own; the other asks for the
 * letters alone.
 */
export const letterCells: Compose = (dice, fonts) => {
  const look = anyLook(dice, fonts)
  const page = new Page(side * cell + 2 * margin, side * cell + 2 * margin)
  fillGround(page, look)
  const { family, face, color } = look
  const size = dice.float(14, 22)
  // Some families have capitals only, and ß has none of one letter.
  const printed = (letter: string) =>
    family.isCapsOnly ? (letter === 'ß' ? 'S' : letter.toUpperCase()) : letter
  const cells = anyCells(dice, side * side, 0.5).map(printed)
  const marks = cells.flatMap((letter, i) => {
    if (letter === EMPTY_CELL) return []
    const x = margin + cell * ((i % side) + 0.5) + dice.float(-4, 4)
    const y = margin + cell * (Math.floor(i / side) + 0.5) + size * 0.36 + dice.float(-1, 3)
    return [page.write(letter, x, y, { family, face, size, color, align: 'center' })]
  })
  const asked = [
    derived('letters.cells', cellTasks.every, cells.join(''), marks),
    derived('letters.letters', cellTasks.letters, lettersOf(cells), marks),
  ]
  return { page, subject: 'cutting', asked }
}
