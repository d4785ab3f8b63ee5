import type { Dice } from '../dice.ts'
import type { FontBook } from '../faces.ts'
import { type ChoiceGroup, choiceGroups, fieldMakers } from '../form-fields.ts'
import { capital } from '../grammar.ts'
import { type Asked, type Compose, derived, read, readBeside } from '../kind.ts'
import { anyDay, dayStyle } from '../numbers.ts'
import { boundsOf, type Mark, Page, type TextStyle } from '../page.ts'
import { accentColor, inkColor, paperColor } from '../paper.ts'
import { Words } from '../words.ts'

/** A form that was filled in, by hand or by machine: fields on lines or in boxes, and choices to tick. */
export const form: Compose = (dice, fonts) => {
  const words = new Words(dice)
  const width = dice.int(840, 980)
  const margin = dice.int(48, 76)
  const inner = width - 2 * margin
  const accent = dice.chance(0.6) ? accentColor(dice) : inkColor(dice)
  const printed: TextStyle = {
    family: fonts.pick(dice, 'sans', 'sans', 'serif', 'condensed'),
    size: dice.float(16.5, 20),
    color: inkColor(dice),
  }
  const filled = filledStyle(dice, fonts)
  const page = new Page(
    width,
    1900,
    dice.chance(0.2) ? dice.pick(['#f2f7ee', '#fdf6e3', '#eef4fa', '#fbeff0']) : paperColor(dice),
  )
  const asked: Asked[] = []
  let y = heading(page, { words, dice, fonts, printed, accent, margin, asked })

  const sections = dice.int(1, 3)
  const fields = dice.shuffle(fieldMakers)
  const choices = dice.shuffle(choiceGroups)
  const manner = dice.pick(['line', 'box', 'above', 'cells'] as const)
  for (let section = 0; section < sections; section++) {
    if (sections > 1 || dice.chance(0.4)) {
      const name = `${section + 1}. ${dice.pick(['Personal details', 'Contact', 'Request', 'Declaration', 'Details', 'For office use', 'Applicant', 'Information'])}`
      if (dice.chance(0.5)) page.fill(accent, margin, y - printed.size * 1.1, inner, printed.size * 1.7)
      const onBar = page.ctx.getImageData(margin + 2, Math.round(y), 1, 1).data[1]! < 140
      page.write(name, margin + 8, y, { ...printed, face: 'bold', color: onBar ? '#ffffff' : printed.color })
      y += printed.size * 2
    }
    for (let count = dice.int(3, 5); count > 0 && fields.length > 0; count--) {
      const isPair = dice.chance(0.4) && fields.length > 1
      const columns = isPair ? 2 : 1
      const wide = (inner - (columns - 1) * 28) / columns
      let lowest = y
      for (let column = 0; column < columns; column++) {
        const { form, label, value } = fields.pop()!(dice, words)
        const at = { x: margin + column * (wide + 28), y, width: wide }
        const { name, mark, bottom } = field(page, manner, label, value, at, printed, filled, dice)
        const question = dice.pick([
          `What is entered for "${label}"?`,
          `What is entered as the ${lowered(label)}?`,
          `What does the field "${label}" say?`,
        ])
        asked.push(readBeside(`form.${form}`, question, name, mark))
        lowest = Math.max(lowest, bottom)
      }
      y = lowest
    }
    if (dice.chance(0.7) && choices.length > 0) {
      y = ticks(page, choices.pop()!, { x: margin, y, width: inner }, printed, filled, dice, asked)
    }
    y += printed.size * 0.8
  }
  y = signature(page, { words, dice, fonts, printed, margin, y: y + printed.size, asked })
  return { page: page.cutAt(y + margin * dice.float(0.4, 1.4)), subject: 'sheet', asked }
}

interface Place {
  readonly x: number
  readonly y: number
  readonly width: number
}

function filledStyle(dice: Dice, fonts: FontBook): TextStyle {
  const isHand = dice.chance(0.6)
  const pens = ['#1b2f7a', '#15245c', '#111111', '#26262b', '#0c3a8a']
  if (isHand) return { family: fonts.pick(dice, 'hand'), size: dice.float(26, 32), color: dice.pick(pens) }
  return {
    family: fonts.pick(dice, 'mono', 'sans'),
    size: dice.float(18, 21),
    color: dice.pick(['#111111', '#1b2f7a', '#222222']),
  }
}

interface Head {
  readonly words: Words
  readonly dice: Dice
  readonly fonts: FontBook
  readonly printed: TextStyle
  readonly accent: string
  readonly margin: number
  readonly asked: Asked[]
}

/** Title, office and number of the form; where the fields begin. */
function heading(page: Page, { words, dice, fonts, printed, accent, margin, asked }: Head): number {
  const inner = page.width - 2 * margin
  let y = margin + printed.size
  const office = dice.pick([
    `City of ${words.city()}`,
    words.company(),
    `${capital(words.noun())} Insurance`,
    `${words.city()} Medical Center`,
    `University of ${words.city()}`,
    `${capital(words.noun())} Club ${words.city()}`,
  ])
  page.write(
    office,
    margin,
    y,
    page.fitted(office, inner * 0.62, { ...printed, face: 'bold', color: accent }),
  )
  const number = dice.code(dice.pick(['Form ##-?', 'F-####', 'No. ######', '?? ###/##']))
  const mark = page.write(number, page.width - margin, y, { ...printed, align: 'right' })
  asked.push(read('form.form-number', 'What is the number of the form, at the top right?', mark))
  y += printed.size * 2.6
  const subject = dice.pick([
    'Application',
    'Registration',
    'Order',
    'Claim',
    'Change of Address',
    'Membership',
    'Enrolment',
    'Leave Request',
    'Patient Intake',
    'Damage Report',
    'Visitor Pass',
    'Loan Request',
  ])
  const title = dice.chance(0.5)
    ? `${subject} Form`
    : `${subject} ${dice.pick(['for', '–', 'of'])} ${capital(words.noun())}`
  const style: TextStyle = {
    ...printed,
    family: fonts.pick(dice, 'sans', 'serif', 'condensed'),
    size: printed.size * dice.float(1.5, 2),
    face: 'bold',
  }
  const titleMark = page.write(title, margin, y, page.fitted(title, inner, style))
  asked.push(
    read('form.title', dice.pick(['What is the title of the form?', 'What is this form for?']), titleMark),
  )
  y += printed.size * 1.1
  if (dice.chance(0.6)) {
    page.write(
      dice.pick([
        'Please use block letters.',
        'Fill in all fields marked with *.',
        'Return to the office within 14 days.',
        'Read the notes overleaf before signing.',
      ]),
      margin,
      y + printed.size * 0.6,
      { ...printed, size: printed.size * 0.85, face: 'italic' },
    )
    y += printed.size * 1.3
  }
  page.rule(accent, margin, y, page.width - margin, y, dice.pick([1, 2, 3]))
  return y + printed.size * 2.4
}

/** One field in the form's manner: its label, its value, and where it ends. */
function field(
  page: Page,
  manner: 'line' | 'box' | 'above' | 'cells',
  label: string,
  value: string,
  { x, y, width }: Place,
  printed: TextStyle,
  filled: TextStyle,
  dice: Dice,
): { readonly name: Mark; readonly mark: Mark; readonly bottom: number } {
  const isAbove = manner !== 'line'
  const small: TextStyle = isAbove ? { ...printed, size: printed.size * 0.88 } : printed
  const name = page.write(
    manner === 'line' ? `${label}:` : label,
    x,
    isAbove ? y - filled.size * 0.4 : y,
    page.fitted(label, width * (isAbove ? 1 : 0.4), small),
  )
  const used = isAbove ? 0 : Math.min(page.widthOf(`${label}:`, small), width * 0.4) + 14
  const baseline = isAbove ? y + filled.size * 1.05 : y
  const left = x + used
  const room = width - used - 16
  if (manner === 'box') page.outline('#6a6a6a', x, y - filled.size * 0.12, width, filled.size * 1.62, 1.5)
  else if (manner === 'cells') {
    const cell = Math.min(filled.size * 0.95, (width - 2) / value.length)
    const mark = writeInCells(page, value, { x, y: baseline, width }, cell, filled)
    return { name, mark, bottom: baseline + filled.size * 2 }
  } else
    page.rule('#6a6a6a', left, baseline + 6, x + width, baseline + 6, 1.2, dice.chance(0.3) ? [2, 4] : [])
  // People do not write exactly on the line.
  const drift = filled.family.category === 'hand' ? dice.float(-2.5, 2.5) : 0
  const mark = page.write(
    value,
    left + 8 + dice.float(0, 10),
    baseline + drift,
    page.fitted(value, room, filled),
  )
  return { name, mark, bottom: baseline + filled.size * (isAbove ? 2 : 1.35) }
}

/** A letter a cell, and cells to the end of the field. */
function writeInCells(
  page: Page,
  value: string,
  { x, y, width }: Place,
  cell: number,
  filled: TextStyle,
): Mark {
  const top = y - filled.size * 1.15
  for (let at = x; at + cell <= x + width + 1; at += cell)
    page.outline('#9a9a9a', at, top, cell, filled.size * 1.55)
  const style: TextStyle = { ...filled, size: Math.min(filled.size, cell * 1.25), align: 'center' }
  const letters = [...value].map((letter, i) => page.write(letter, x + (i + 0.5) * cell, y, style))
  const seen = letters.filter(({ text }) => text !== ' ').map(({ box }) => box)
  const text = letters.map((letter) => letter.text).join('')
  const corners = seen.flatMap(([left, upper, right, lower]) => [
    [left, upper] as const,
    [right, lower] as const,
  ])
  const mark = { text, box: boundsOf(corners) }
  page.marks.push(mark)
  return mark
}

/** Boxes of which one is ticked; where they end. */
function ticks(
  page: Page,
  { label, options }: ChoiceGroup,
  { x, y, width }: Place,
  printed: TextStyle,
  pen: TextStyle,
  dice: Dice,
  asked: Asked[],
): number {
  const name = page.write(label, x, y, { ...printed, face: 'bold' })
  const box = printed.size * 0.85
  const chosen = dice.int(0, options.length - 1)
  let at = x + page.widthOf(label, { ...printed, face: 'bold' }) + printed.size * 1.4
  let line = y
  const marks = options.map((option, i) => {
    const wide = box * 1.5 + page.widthOf(option, printed) + printed.size * 1.5
    if (at + wide > x + width) {
      at = x + printed.size
      line += printed.size * 1.7
    }
    page.outline('#333333', at, line - box * 0.9, box, box, 1.5)
    if (i === chosen) tick(page, at, line - box * 0.9, box, pen.color, dice)
    const mark = page.write(option, at + box * 1.5, line, printed)
    const whole = { text: option, box: [at - 2, mark.box[1], mark.box[2], mark.box[3]] as const }
    at += wide
    return whole
  })
  asked.push(
    derived(
      `form.choice.${label}`,
      dice.pick([`Which option is ticked for "${label}"?`, `What is marked under "${label}"?`]),
      options[chosen]!,
      [name, marks[chosen]!],
    ),
  )
  return line + printed.size * 2.4
}

/** A tick, a cross or a filled box, as a pen makes it. */
function tick(page: Page, x: number, y: number, size: number, color: string, dice: Dice): void {
  const { ctx } = page
  ctx.strokeStyle = color
  ctx.lineWidth = dice.float(2, 3.2)
  ctx.beginPath()
  const wobble = () => dice.float(-0.12, 0.12) * size
  const manner = dice.pick(['cross', 'tick', 'fill'])
  if (manner === 'fill') page.fill(color, x + size * 0.2, y + size * 0.2, size * 0.6, size * 0.6)
  if (manner === 'cross') {
    ctx.moveTo(x + wobble(), y + wobble())
    ctx.lineTo(x + size + wobble(), y + size + wobble())
    ctx.moveTo(x + size + wobble(), y + wobble())
    ctx.lineTo(x + wobble(), y + size + wobble())
  }
  if (manner === 'tick') {
    ctx.moveTo(x + size * 0.1 + wobble(), y + size * 0.5 + wobble())
    ctx.lineTo(x + size * 0.45, y + size * 0.95)
    ctx.lineTo(x + size * 1.2 + wobble(), y - size * 0.3 + wobble())
  }
  ctx.stroke()
}

interface Foot {
  readonly words: Words
  readonly dice: Dice
  readonly fonts: FontBook
  readonly printed: TextStyle
  readonly margin: number
  readonly y: number
  readonly asked: Asked[]
}

function signature(page: Page, { words, dice, fonts, printed, margin, y, asked }: Foot): number {
  const half = (page.width - 2 * margin) / 2
  const hand: TextStyle = { family: fonts.pick(dice, 'hand'), size: 32, color: '#16265e' }
  const day = page.write(
    dayStyle(dice)(anyDay(dice)),
    margin + 10,
    y + 20,
    page.fitted('00 September 0000', half * 0.75, hand),
  )
  page.rule('#555555', margin, y + 28, margin + half * 0.8, y + 28)
  const dayLabel = page.write(
    dice.pick(['Date', 'Place, date', 'Signed on']),
    margin,
    y + 28 + printed.size * 1.1,
    { ...printed, size: printed.size * 0.85 },
  )
  asked.push(readBeside('form.signed-on', 'On which date was the form signed?', dayLabel, day))
  const name = words.person()
  const signed = page.write(
    name,
    margin + half + 10,
    y + 18,
    page.fitted(name, half * 0.9, { ...hand, size: 40 }),
  )
  page.rule('#555555', margin + half, y + 28, page.width - margin, y + 28)
  const label = page.write('Signature', margin + half, y + 28 + printed.size * 1.1, {
    ...printed,
    size: printed.size * 0.85,
  })
  asked.push(readBeside('form.signature', 'Who signed the form?', label, signed))
  return y + 28 + printed.size * 2
}

/** The label as it stands within a sentence. */
function lowered(label: string): string {
  return /^[A-Z][a-z]/.test(label) ? label.charAt(0).toLowerCase() + label.slice(1) : label
}
