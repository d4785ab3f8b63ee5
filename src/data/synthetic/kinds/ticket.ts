import type { Dice } from '../dice.ts'
import { type Asked, type Compose, read, readBeside } from '../kind.ts'
import { Page, type TextStyle } from '../page.ts'
import { accentColor, barcode, dotCode } from '../paper.ts'
import { type Entry, ticketContents } from '../ticket-contents.ts'
import { Words } from '../words.ts'

/** A ticket of a train, an aeroplane, an event or a car park. */
export const ticket: Compose = (dice, fonts) => {
  const words = new Words(dice)
  const content = ticketContents[dice.weighted({ flight: 3, train: 3, event: 3, parking: 2 })](dice, words)
  const family = fonts.pick(dice, 'sans', 'condensed', 'mono')
  const size = dice.float(18, 22)
  const accent = accentColor(dice)
  const paper = dice.pick(['#ffffff', '#fdfcf6', '#f4f8fb', '#fff6e6', '#f6f0f8', '#eef6ee'])
  const ink = dice.pick(['#141414', '#1c2233', '#2a2020'])
  const body: TextStyle = { family, size, color: ink }
  const small: TextStyle = { ...body, size: size * 0.82, color: '#5a5a5a' }
  const isTall = dice.chance(0.25)
  const width = isTall ? dice.int(460, 560) : dice.int(820, 1000)
  const stub = isTall || dice.chance(0.3) ? 0 : width * dice.float(0.2, 0.27)
  const margin = dice.int(24, 40)
  const page = new Page(width, 1200, paper)
  const asked: Asked[] = []
  const inner = width - stub - 2 * margin

  const bar = size * 2.5
  const isFilled = dice.chance(0.7)
  if (isFilled) page.fill(accent, 0, 0, width, bar)
  const title: TextStyle = {
    ...body,
    family: fonts.pick(dice, 'sans', 'display', 'condensed', 'serif'),
    size: size * 1.35,
    face: 'bold',
    color: isFilled ? '#ffffff' : accent,
  }
  const titleMark = page.write(content.title, margin, bar * 0.66, page.fitted(content.title, inner, title))
  asked.push(read('ticket.title', content.titleQuestion, titleMark))
  let y = bar + size * 1.5

  const columns = isTall ? 2 : dice.int(3, 4)
  const add = (entry: Entry, x: number, room: number, style: TextStyle) => {
    const label = page.write(entry.label, x, y, small)
    const value = page.write(entry.value, x, y + style.size * 1.15, page.fitted(entry.value, room, style))
    asked.push(readBeside(`ticket.${entry.form}`, entry.question, label, value))
  }
  const large: TextStyle = { ...body, size: size * dice.float(1.6, 2.3), face: 'bold' }
  for (const [i, entry] of content.large.entries()) {
    const isStacked = isTall || content.large.length === 1
    add(
      entry,
      margin + (isStacked ? 0 : (i * inner) / content.large.length),
      (inner / (isStacked ? 1 : content.large.length)) * 0.92,
      large,
    )
    if (isStacked) y += large.size * 2
  }
  if (!isTall && content.large.length > 1) y += large.size * 2
  if (dice.chance(0.5))
    page.rule(
      accent,
      margin,
      y - size * 0.9,
      margin + inner,
      y - size * 0.9,
      1.5,
      dice.chance(0.5) ? [6, 5] : [],
    )
  y += size * 0.4
  const shown = dice.sample(content.entries, dice.int(4, content.entries.length))
  const value: TextStyle = { ...body, size: size * 1.1, face: dice.pick(['bold', 'regular'] as const) }
  for (const [i, entry] of shown.entries()) {
    const column = i % columns
    add(entry, margin + (column * inner) / columns, (inner / columns) * 0.92, value)
    if (column === columns - 1 || i === shown.length - 1) y += size * 2.9
  }
  const number = dice.code(dice.pick(['### #### ###', '?#?#?#', '####-####-##', '??########']))
  if (dice.chance(0.6)) {
    barcode(page, margin, y - size * 0.8, inner * 0.6, size * 2.4, dice)
    y += size * 2.6
  }
  const mark = page.write(number, margin, y, { ...body, spacing: size * 0.12 })
  asked.push(read('ticket.number', 'What is the number at the bottom of the ticket?', mark))
  const bottom = y + margin
  if (stub > 0) tearOff(page, width - stub, stub, bottom, bar, size, dice)
  if (isTall && dice.chance(0.6))
    dotCode(page, width - margin - size * 5, bottom - margin - size * 4.4, size * 5, dice)
  return { page: page.cutAt(bottom), subject: 'card', asked }
}

/** The part that is torn off: a dotted line with notches, and a code. */
function tearOff(
  page: Page,
  x: number,
  width: number,
  bottom: number,
  top: number,
  size: number,
  dice: Dice,
): void {
  page.rule('rgba(0, 0, 0, 0.45)', x, 0, x, bottom, 2, [4, 6])
  const { ctx } = page
  ctx.fillStyle = 'rgba(0, 0, 0, 0.55)'
  for (const y of [0, bottom]) {
    ctx.beginPath()
    ctx.arc(x, y, size * 0.6, 0, 7)
    ctx.fill()
  }
  const side = Math.min(width * 0.72, bottom - top - size * 2)
  dotCode(page, x + (width - side) / 2, top + (bottom - top - side) / 2, side, dice)
}
