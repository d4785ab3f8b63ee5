import type { Dice } from '../dice.ts'
import { type Compose, read } from '../kind.ts'
import { readTheText } from '../line-questions.ts'
import { Page, type TextStyle } from '../page.ts'
import { accentColor, inkColor, paperColor } from '../paper.ts'
import { lineOfText } from '../snippets.ts'
import { Words } from '../words.ts'

/** A strip, a label, a note or a snippet with one line of one to six words. */
export const line: Compose = (dice, fonts) => {
  const text = lineOfText(dice, new Words(dice))
  const look = dice.weighted(looks)
  const size = dice.float(22, 54)
  const family = {
    print: () => fonts.pick(dice, 'sans', 'serif', 'mono', 'condensed'),
    tape: () => fonts.pick(dice, 'sans', 'condensed', 'mono'),
    note: () => fonts.pick(dice, 'hand'),
    poster: () => fonts.pick(dice, 'display', 'serif', 'sans'),
    screen: () => fonts.pick(dice, 'sans', 'mono', 'serif'),
  }[look]()
  const [background, color] = colors(look, dice)
  const face = dice.pick(['regular', 'regular', 'bold', 'italic'] as const)
  const style: TextStyle = {
    family,
    size,
    color,
    face,
    spacing: dice.chance(0.15) ? dice.float(0, size * 0.12) : 0,
  }
  const measure = new Page(8, 8)
  const width = Math.min(measure.widthOf(text, style), 1250)
  const left = size * dice.float(0.5, 1.6)
  const above = size * dice.float(0.4, 1.2)
  const page = new Page(width + left + size * dice.float(0.5, 1.6), size * 1.3 + above * 2, background)
  decorate(page, look, size, dice)
  const mark = page.write(text, left, above + size, page.fitted(text, width, style))
  const question = dice.chance(0.2) ? 'What does the line say?' : readTheText(dice)
  return { page, subject: look === 'screen' ? 'screen' : 'card', asked: [read('line.text', question, mark)] }
}

const looks = { print: 4, tape: 2, note: 2, poster: 2, screen: 2 } as const
type Look = keyof typeof looks

function colors(look: Look, dice: Dice): readonly [string, string] {
  const dark = dice.pick(['#17181b', '#2a2f3a', '#5a1f28', '#1f3d2e', '#20304f'])
  if (look === 'note')
    return [
      dice.pick(['#fdf3a0', '#ffd9e2', '#d7f0ff', '#fdfdf8', '#e4f7d2']),
      dice.pick(['#1b2a6b', '#1a1a1a', '#8a1a1a', '#244a3a']),
    ]
  if (look === 'print') return [paperColor(dice), dice.chance(0.7) ? inkColor(dice) : accentColor(dice)]
  if (look === 'poster' || dice.chance(0.35))
    return [
      dice.chance(0.5) ? dark : accentColor(dice),
      dice.pick(['#ffffff', '#f6ecc8', '#ffe14a', '#f2f2f2']),
    ]
  return [dice.pick(['#ffffff', '#f3f3f3', '#f7d94a', '#e8eef6', '#1e1e1e']), '#111111'].map(
    (value, i, pair) => (i === 1 && pair[0] === '#1e1e1e' ? '#eeeeee' : value),
  ) as unknown as readonly [string, string]
}

/** What else is on such a strip: ruled lines, a border, a stripe. */
function decorate(page: Page, look: Look, size: number, dice: Dice): void {
  const { width, height } = page
  if (look === 'note' && dice.chance(0.5))
    for (let y = size * 0.4; y < height; y += size * 1.1)
      page.rule('rgba(60, 90, 170, 0.35)', 0, y, width, y, 1.5)
  if (look === 'poster' && dice.chance(0.5))
    page.outline(
      'rgba(255, 255, 255, 0.7)',
      size * 0.14,
      size * 0.14,
      width - size * 0.28,
      height - size * 0.28,
      2,
    )
  if (look === 'tape' && dice.chance(0.4))
    page.outline('rgba(0, 0, 0, 0.5)', size * 0.12, size * 0.12, width - size * 0.24, height - size * 0.24, 2)
  if (look === 'print' && dice.chance(0.25))
    page.fill(accentColor(dice), 0, height - size * 0.16, width, size * 0.16)
}
