import type { Compose } from '../kind.ts'
import { askAboutLines, readTheText, wholeText } from '../line-questions.ts'
import { anyLook, fillGround, plainLook } from '../look.ts'
import { type Mark, Page, type TextStyle } from '../page.ts'
import { writeWords } from '../prose.ts'
import { wordsOrNumber } from '../snippets.ts'
import { Words } from '../words.ts'

/** A square cutting out of print, every other one plain, filled with lines of words, names, numbers and codes. */
export const print: Compose = (dice, fonts) => {
  const page = new Page(224, 224)
  const look = dice.chance(0.5) ? plainLook(dice, fonts) : anyLook(dice, fonts)
  fillGround(page, look)
  const style: TextStyle = { ...look, size: 16 * 2 ** dice.float(0, 2) }
  const left = dice.float(5, 16)
  const lead = style.size * dice.float(1.15, 1.7)
  const words = new Words(dice)
  const fits = (text: string) => page.widthOf(text, style) <= page.width - left - 6
  const row = (): string => {
    let text = ''
    for (;;) {
      const next = wordsOrNumber(dice, words)
      const longer = text === '' ? next : `${text} ${next}`
      if (!fits(longer)) return text === '' ? beginning(next, fits) : text
      text = longer
    }
  }
  const lines: Mark[][] = []
  for (let y = dice.float(1.25, 1.6) * style.size; y < page.height - style.size * 0.5; y += lead)
    lines.push(writeWords(page, row(), left, y, style))
  const asked = [
    { ...wholeText('print.text', readTheText(dice), lines), isMain: true },
    ...askAboutLines('print', lines, false, dice),
  ]
  return { page, subject: 'cutting', asked }
}

/** As many letters of a text as fit. */
function beginning(text: string, fits: (text: string) => boolean): string {
  const letters = [...text]
  while (letters.length > 1 && !fits(letters.join('').trim())) letters.pop()
  return letters.join('').trim()
}
