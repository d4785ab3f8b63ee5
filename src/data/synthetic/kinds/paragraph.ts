import type { Dice } from '../dice.ts'
import { capital } from '../grammar.ts'
import { type Asked, type Compose, read } from '../kind.ts'
import { askAboutLines, readTheText, wholeText } from '../line-questions.ts'
import { type Mark, Page, type TextStyle } from '../page.ts'
import { accentColor, inkColor, paperColor } from '../paper.ts'
import { writeWords } from '../prose.ts'
import { Words } from '../words.ts'

/** A few lines of running text: a book's page, a letter, a notice, a handwritten note or a page on a screen. */
export const paragraph: Compose = (dice, fonts) => {
  const words = new Words(dice)
  const look = dice.weighted({ book: 3, letter: 3, note: 2, screen: 2 })
  const family =
    look === 'note'
      ? fonts.pick(dice, 'hand')
      : look === 'book'
        ? fonts.pick(dice, 'serif')
        : fonts.pick(dice, 'sans', 'serif', 'mono')
  const isDark = look === 'screen' && dice.chance(0.3)
  const background = isDark
    ? '#1d1f24'
    : look === 'note'
      ? dice.pick(['#fdfdf6', '#fbf4c8', '#ffffff'])
      : paperColor(dice)
  const color = isDark
    ? '#e4e4e4'
    : look === 'note'
      ? dice.pick(['#1b2a6b', '#1a1a1a', '#24406a'])
      : inkColor(dice)
  const size = look === 'note' ? dice.float(27, 38) : dice.float(19, 29)
  const width = dice.int(560, 1050)
  const margin = dice.int(40, 100)
  const lead = size * dice.float(1.25, 1.75)
  const style: TextStyle = { family, size, color }
  const page = new Page(width, 1700, background)
  if (look === 'note' && dice.chance(0.6)) ruled(page, lead, margin, dice)
  const asked: Asked[] = []
  const written: Mark[][] = []
  let y = look === 'note' ? Math.ceil((margin + size) / lead) * lead - size * 0.15 : margin + size

  if (dice.chance(0.6)) {
    const headFamily = look === 'note' ? family : fonts.pick(dice, 'serif', 'sans', 'display', 'condensed')
    const title = dice.pick([
      () => words.title(),
      () => capital(`${words.adjective()} ${words.noun()}`),
      () =>
        `${dice.pick(['Chapter', 'Part', 'Notice', 'Section'])} ${dice.int(2, 89)}: ${capital(words.noun())}`,
      () => `${capital(words.noun())} ${dice.pick(['and', 'of', 'without', 'for'])} ${capital(words.noun())}`,
    ])()
    const head: TextStyle = {
      family: headFamily,
      size: look === 'note' ? size * 1.1 : size * dice.float(1.2, 1.9),
      color: dice.chance(0.3) && !isDark ? accentColor(dice) : color,
      face: 'bold',
      align: dice.chance(0.35) ? 'center' : 'left',
    }
    const x = head.align === 'center' ? width / 2 : margin
    const mark = page.write(title, x, y, page.fitted(title, width - 2 * margin, head))
    written.push([mark])
    asked.push(read('paragraph.title', dice.pick(['What is the title?', 'What does the heading say?']), mark))
    y += look === 'note' ? 2 * lead : head.size * 0.6 + lead
  }

  const wanted = dice.int(2, 9)
  const lines: Mark[][] = []
  let isFirst = true
  while (lines.length < wanted) {
    const text = Array.from({ length: dice.int(1, 3) }, () => words.sentence()).join(' ')
    const indent = look === 'book' && !isFirst ? size * 1.4 : 0
    for (const [i, line] of page.wrapped(text, width - 2 * margin - indent, style).entries()) {
      if (lines.length === wanted) break
      lines.push(writeWords(page, line, margin + (i === 0 ? indent : 0), y, style))
      y += lead
    }
    isFirst = false
    if (look !== 'book' && look !== 'note') y += lead * 0.5
  }
  written.push(...lines)
  asked.push(...askAboutLines('paragraph', lines, true, dice, ' of the text'))
  if (look === 'book' && dice.chance(0.6)) {
    y += lead
    const number = page.write(String(dice.int(2, 980)), width / 2, y, {
      ...style,
      size: size * 0.85,
      align: 'center',
    })
    written.push([number])
    asked.push(read('paragraph.page', 'What is the page number?', number))
    y += size
  }
  if (look === 'letter' && dice.chance(0.5)) {
    const sender = page.write(words.person(), margin, y + lead, {
      ...style,
      family: fonts.pick(dice, 'hand'),
      size: size * 1.5,
    })
    written.push([sender])
    asked.push(
      read('paragraph.signature', dice.pick(['Who signed?', 'What is the name below the text?']), sender),
    )
    y += 2 * lead
  }
  asked.push(wholeText('paragraph.text', readTheText(dice), written))
  return { page: page.cutAt(y + margin * 0.6), subject: look === 'screen' ? 'screen' : 'sheet', asked }
}

/** Lines of an exercise book, at the height of the text's lines. */
function ruled(page: Page, lead: number, margin: number, dice: Dice): void {
  for (let y = lead; y < page.height; y += lead)
    page.rule('rgba(70, 110, 190, 0.4)', 0, y, page.width, y, 1.5)
  if (dice.chance(0.6)) page.rule('rgba(210, 60, 60, 0.5)', margin * 0.75, 0, margin * 0.75, page.height, 2)
}
