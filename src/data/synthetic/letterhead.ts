import type { Dice } from './dice.ts'
import type { Family } from './faces.ts'
import { type Asked, read } from './kind.ts'
import type { Page, TextStyle } from './page.ts'
import type { Words } from './words.ts'

interface Head {
  readonly words: Words
  readonly dice: Dice
  readonly family: Family
  readonly accent: string
  readonly margin: number
  readonly body: TextStyle
  readonly asked: Asked[]
}

/** Name, mark and address of the firm; where it ends. */
export function letterhead(page: Page, { words, dice, family, accent, margin, body, asked }: Head): number {
  const name = words.company()
  const manner = dice.pick(['left', 'right', 'centre', 'band'] as const)
  const size = body.size * dice.float(1.5, 2.2)
  const isBand = manner === 'band'
  const align = manner === 'right' ? 'right' : manner === 'centre' ? 'center' : 'left'
  const x = align === 'left' ? margin : align === 'right' ? page.width - margin : page.width / 2
  let y = margin + size
  if (isBand) page.fill(accent, 0, 0, page.width, margin + size * 1.8)
  const logo = manner === 'left' && dice.chance(0.6) ? size * 1.5 : 0
  if (logo > 0) logoOf(page, margin, margin, logo, accent, dice)
  const style: TextStyle = { ...body, family, size, face: 'bold', align, color: isBand ? '#ffffff' : accent }
  const from = x + (logo > 0 ? logo * 1.35 : 0)
  const room = page.width - 2 * margin - logo * 1.35
  const mark = page.write(name, from, y, page.fitted(name, room, style))
  asked.push(
    read(
      'invoice.company',
      dice.pick(['Which company issued the invoice?', 'What is the name of the company at the top?']),
      mark,
    ),
  )
  y += isBand ? size * 1.7 : size
  const address = `${words.street()}, ${words.city()}`
  const small: TextStyle = { ...body, size: body.size * 0.92, align, color: '#555555' }
  page.write(address, from, y, page.fitted(address, room, small))
  y += body.size * 1.35
  const phone = words.phone()
  const contact = page.write(`${phone}  ·  ${words.domain()}`, from, y, small)
  asked.push({ ...read('invoice.phone', 'What is the phone number of the company?', contact), answer: phone })
  y += body.size
  if (!isBand && dice.chance(0.5)) page.rule(accent, margin, y, page.width - margin, y, 2)
  return y + body.size
}

/** A simple figure that could be a firm's mark. */
export function logoOf(page: Page, x: number, y: number, size: number, color: string, dice: Dice): void {
  const { ctx } = page
  ctx.fillStyle = color
  ctx.beginPath()
  const manner = dice.int(0, 3)
  if (manner === 0) ctx.arc(x + size / 2, y + size / 2, size / 2, 0, dice.float(4, 6.2))
  if (manner === 1) ctx.roundRect(x, y, size, size, size * dice.float(0, 0.4))
  if (manner === 2)
    for (let i = 0; i < 6; i++)
      ctx.lineTo(
        x + size / 2 + (size / 2) * Math.cos((i * Math.PI) / 3),
        y + size / 2 + (size / 2) * Math.sin((i * Math.PI) / 3),
      )
  if (manner === 3) {
    ctx.moveTo(x, y + size)
    ctx.lineTo(x + size / 2, y)
    ctx.lineTo(x + size, y + size)
  }
  ctx.fill()
  ctx.fillStyle = '#ffffff'
  ctx.beginPath()
  if (dice.chance(0.6)) ctx.arc(x + size / 2, y + size * 0.55, size * dice.float(0.1, 0.22), 0, 7)
  ctx.fill()
}
