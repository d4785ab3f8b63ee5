import type { Dice } from '../dice.ts'
import type { Asked, Compose } from '../kind.ts'
import { readTheText, wholeText } from '../line-questions.ts'
import { anyLook, layGround } from '../look.ts'
import { type Mark, Page, type TextStyle } from '../page.ts'
import { readAll, writeWords } from '../prose.ts'
import { wordsOrNumber } from '../snippets.ts'
import { Words } from '../words.ts'

/** One to three big words or numbers: a number at a door, a name on a cup, a price, a button. */
export const words: Compose = (dice, fonts) => {
  const look = anyLook(dice, fonts)
  const stretch = Math.exp(dice.float(-0.27, 0.27))
  const side = dice.float(200, 250)
  const page = new Page(side * stretch, side / stretch)
  const rows = contents(dice, new Words(dice))
  const style: TextStyle = { ...look, size: 100 }
  const widths = rows.map((row) => page.widthOf(row, style))
  const leading = dice.float(1.05, 1.4)
  const { left, width, top, height } = layGround(page, look, side * dice.float(0.05, 0.12), dice)
  // As large as fits, and at times smaller.
  const most = Math.min(width / Math.max(...widths), height / (rows.length * leading * 100))
  const scale = most * dice.float(0.7, 1)
  const size = 100 * scale
  const lead = size * leading
  const free = height - rows.length * lead
  const baseline = top + free * dice.pick([0.1, 0.5, 0.5, 0.9]) + (lead + size * 0.66) / 2
  const align = dice.pick([0, 0.5, 0.5, 1])
  look.decorate?.(page, baseline, lead)
  const lines: Mark[][] = rows.map((row, i) => {
    const x = left + align * (width - widths[i]! * scale)
    return writeWords(page, row, x, baseline + i * lead, { ...style, size })
  })
  const asked: Asked[] = [{ ...wholeText('words.text', readTheText(dice), lines), isMain: true }]
  if (lines.length > 1) {
    const at = dice.int(0, lines.length - 1)
    asked.push(readAll('words.line', `What does line ${at + 1} say?`, lines[at]!))
  }
  return { page, subject: 'cutting', asked }
}

function contents(dice: Dice, list: Words): string[] {
  const count = dice.int(1, 3)
  return Array.from({ length: count }, () => {
    const text = wordsOrNumber(dice, list)
    // Three lines have room for a word each.
    return text
      .split(' ')
      .slice(0, count === 1 ? 3 : 1)
      .join(' ')
  })
}
