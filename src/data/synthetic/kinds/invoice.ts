import type { Dice } from '../dice.ts'
import { capital } from '../grammar.ts'
import { type Asked, type Compose, derived, read, readBeside } from '../kind.ts'
import { letterhead } from '../letterhead.ts'
import { anyDay, dayStyle, moneyStyle } from '../numbers.ts'
import { type Mark, Page, type TextStyle } from '../page.ts'
import { accentColor, inkColor, paperColor } from '../paper.ts'
import { Words } from '../words.ts'

/** A firm's bill on a whole sheet: letterhead, receiver, facts, items, sums, and how to pay. */
export const invoice: Compose = (dice, fonts) => {
  const words = new Words(dice)
  const money = moneyStyle(dice)
  const writeDay = dayStyle(dice)
  const width = dice.int(860, 980)
  const margin = dice.int(54, 84)
  const last = width - margin
  const family = fonts.pick(dice, 'sans', 'sans', 'serif', 'mono')
  const size = dice.float(18, 21.5)
  const lead = size * dice.float(1.3, 1.5)
  const ink = inkColor(dice)
  const accent = dice.chance(0.75) ? accentColor(dice) : ink
  const body: TextStyle = { family, size, color: ink }
  const soft: TextStyle = { ...body, color: dice.pick([ink, '#555555', accent]) }
  const page = new Page(width, 1900, paperColor(dice))
  const asked: Asked[] = []
  let y = margin + size

  const bottom = letterhead(page, {
    words,
    dice,
    family: fonts.pick(dice, 'sans', 'serif', 'display', 'condensed'),
    accent,
    margin,
    body,
    asked,
  })
  y = bottom + lead
  const title = dice.pick(['INVOICE', 'Invoice', 'TAX INVOICE', 'Bill', 'Statement', 'PRO FORMA INVOICE'])
  const big: TextStyle = { ...body, size: size * dice.float(1.7, 2.5), face: 'bold', color: accent }
  const facts = factRows(dice, words, writeDay)
  const factsAtRight = dice.chance(0.65)
  y += big.size * 0.5
  page.write(title, factsAtRight ? margin : last, y, { ...big, align: factsAtRight ? 'left' : 'right' })
  y += lead * 1.5

  // The receiver on one side, the facts on the other.
  const half = width * 0.54
  const [receiverX, factsX, factsEnd] = factsAtRight ? [margin, half, last] : [half, margin, half - 40]
  let receiverY = y
  page.write(dice.pick(['Bill to', 'Billed to:', 'Customer', 'To:', 'Invoice to']), receiverX, receiverY, {
    ...soft,
    face: 'bold',
  })
  receiverY += lead
  const room = (factsAtRight ? half : last) - receiverX - 24
  const customerName = words.person()
  const customer = page.write(customerName, receiverX, receiverY, page.fitted(customerName, room, body))
  asked.push(
    read(
      'invoice.customer',
      dice.pick(['Who is the invoice addressed to?', 'What is the name of the customer?']),
      customer,
    ),
  )
  receiverY += lead
  const street = words.street()
  page.write(street, receiverX, receiverY, page.fitted(street, room, body))
  receiverY += lead
  const place = `${words.postcode()} ${words.city()}`
  const town = page.write(place, receiverX, receiverY, page.fitted(place, room, body))
  asked.push(read('invoice.place', 'What is the postcode and town of the customer?', town))
  receiverY += lead
  let factsY = y
  for (const { form, label, value, question } of facts) {
    const name = page.write(label, factsX, factsY, { ...soft, face: 'bold' })
    const mark = page.write(value, factsEnd, factsY, { ...body, align: 'right' })
    asked.push(readBeside(form, question, name, mark))
    factsY += lead
  }
  y = Math.max(receiverY, factsY) + lead

  const table = items(page, { words, dice, money, margin, body, accent, lead, y, asked })
  y = table.bottom + lead * 0.4
  const rate = dice.pick([0, 5, 7, 8.1, 10, 19, 20, 21, 25])
  const tax = Math.round((table.sum * rate) / 100)
  const sums: (readonly [string, string, string, string])[] = [
    [
      'invoice.subtotal',
      dice.pick(['Subtotal', 'Net amount', 'Sum']),
      'What is the subtotal?',
      money.bare(table.sum),
    ],
    [
      'invoice.tax',
      dice.pick([`VAT ${rate}%`, `Tax (${rate}%)`, `GST ${rate}%`]),
      'How much tax is charged?',
      money.bare(tax),
    ],
  ]
  for (const [form, label, question, value] of rate > 0 ? sums : []) {
    const name = page.write(label, width * 0.58, y, body)
    const mark = page.write(value, last - 8, y, { ...body, align: 'right' })
    asked.push(readBeside(form, question, name, mark))
    y += lead
  }
  y += lead * 0.35
  const isBanner = dice.chance(0.35)
  const strong: TextStyle = { ...body, size: size * 1.2, face: 'bold', color: isBanner ? '#ffffff' : ink }
  if (isBanner) page.fill(accent, width * 0.55, y - lead, last - width * 0.55, lead * 1.5)
  else page.rule(ink, width * 0.58, y - lead * 0.95, last, y - lead * 0.95, 1.5)
  const label = page.write(
    dice.pick(['Total', 'TOTAL', 'Amount due', 'Balance due', 'Total due']),
    width * 0.58,
    y,
    strong,
  )
  const total = page.write(money.format(table.sum + tax), last - 8, y, { ...strong, align: 'right' })
  asked.push(
    readBeside(
      'invoice.total',
      dice.pick(['What is the total amount?', 'How much is due?', 'What is the total of the invoice?']),
      label,
      total,
    ),
  )
  y += lead * 2.2

  if (dice.chance(0.7)) {
    const iban = dice.code(
      dice.pick([
        'DE## #### #### #### #### ##',
        'CH## #### #### #### #### #',
        'FR## #### #### #### #### ####',
        'Acct. ########',
        '##-##-## ########',
      ]),
    )
    const name = page.write(dice.pick(['IBAN', 'Bank account', 'Pay to', 'Account']), margin, y, {
      ...soft,
      face: 'bold',
    })
    const mark = page.write(
      iban,
      margin + page.widthOf('Bank account   ', { ...soft, face: 'bold' }),
      y,
      body,
    )
    asked.push(readBeside('invoice.account', 'Which bank account is given?', name, mark))
    y += lead
  }
  if (dice.chance(0.6)) {
    const note = dice.pick([
      'Thank you for your business.',
      'Payment within 30 days.',
      'Goods remain our property until paid.',
      'Please quote the invoice number.',
    ])
    page.write(note, margin, y + lead * 0.4, { ...soft, size: size * 0.92 })
    y += lead
  }
  return { page: page.cutAt(y + margin * dice.float(0.5, 2.5)), subject: 'sheet', asked }
}

interface Fact {
  readonly form: string
  readonly label: string
  readonly value: string
  readonly question: string
}

function factRows(dice: Dice, words: Words, writeDay: ReturnType<typeof dayStyle>): Fact[] {
  const first = anyDay(dice)
  const number = dice.code(dice.pick(['INV-#####', '####-###', '??####', '######', 'R#####/##', '20##-####']))
  const facts: Fact[] = [
    {
      form: 'invoice.number',
      label: dice.pick(['Invoice No.', 'Invoice #', 'Number']),
      value: number,
      question: 'What is the invoice number?',
    },
    {
      form: 'invoice.date',
      label: dice.pick(['Date', 'Invoice date', 'Issued']),
      value: writeDay(first),
      question: 'What is the invoice date?',
    },
  ]
  const due = {
    ...first,
    month: (first.month % 12) + 1,
    year: first.month === 12 ? first.year + 1 : first.year,
    day: dice.int(1, 28),
  }
  if (dice.chance(0.7))
    facts.push({
      form: 'invoice.due',
      label: dice.pick(['Due date', 'Due', 'Payable by']),
      value: writeDay(due),
      question: 'When is the invoice due?',
    })
  if (dice.chance(0.5))
    facts.push({
      form: 'invoice.customer-id',
      label: dice.pick(['Customer ID', 'Account', 'Client no.']),
      value: dice.code(dice.pick(['#####', '?-####', 'C######'])),
      question: 'What is the customer number?',
    })
  if (dice.chance(0.35))
    facts.push({
      form: 'invoice.contact',
      label: dice.pick(['Contact', 'Your contact', 'Sales rep']),
      value: words.lastName(),
      question: 'Who is the contact?',
    })
  return facts
}

interface Items {
  readonly words: Words
  readonly dice: Dice
  readonly money: ReturnType<typeof moneyStyle>
  readonly margin: number
  readonly body: TextStyle
  readonly accent: string
  readonly lead: number
  readonly y: number
  readonly asked: Asked[]
}

/** The table of what was delivered. */
function items(page: Page, { words, dice, money, margin, body, accent, lead, y: top, asked }: Items) {
  const last = page.width - margin
  const inner = last - margin
  const columns = { quantity: margin + inner * 0.6, unit: margin + inner * 0.8, amount: last - 8 }
  const right: TextStyle = { ...body, align: 'right' }
  const height = lead * dice.float(1.15, 1.5)
  const manner = dice.pick(['filled', 'lines', 'grid', 'zebra'] as const)
  const isFilled = manner === 'filled' || manner === 'zebra'
  const head: TextStyle = { ...body, face: 'bold', color: isFilled ? '#ffffff' : body.color }
  if (isFilled) page.fill(accent, margin, top - height * 0.7, inner, height)
  page.write(dice.pick(['Description', 'Item', 'Service', 'Product']), margin + 8, top, head)
  page.write(dice.pick(['Qty', 'Quantity', 'Hours', 'Units']), columns.quantity, top, {
    ...head,
    align: 'right',
  })
  page.write(dice.pick(['Price', 'Unit price', 'Rate']), columns.unit, top, { ...head, align: 'right' })
  page.write(dice.pick(['Amount', 'Total', 'Sum']), columns.amount, top, { ...head, align: 'right' })
  let y = top + height
  let sum = 0
  const count = dice.int(2, 7)
  const names = dice.distinct(count, () =>
    dice.chance(0.55) ? words.product() : `${capital(words.noun())} ${words.service()}`,
  )
  const firsts: Mark[] = []
  for (const [i, name] of names.entries()) {
    if (manner === 'zebra' && i % 2 === 1)
      page.fill('rgba(0, 0, 0, 0.06)', margin, y - height * 0.7, inner, height)
    if (manner === 'lines' || manner === 'grid')
      page.rule('#999999', margin, y - height * 0.7, last, y - height * 0.7)
    const quantity = dice.chance(0.7) ? dice.int(1, 24) : dice.int(25, 480)
    const unit = dice.int(90, dice.pick([4000, 30_000, 120_000]))
    sum += quantity * unit
    const item = page.write(name, margin + 8, y, page.fitted(name, inner * 0.47, body))
    const quantityMark = page.write(String(quantity), columns.quantity, y, right)
    const unitMark = page.write(money.bare(unit), columns.unit, y, right)
    const amount = page.write(money.bare(quantity * unit), columns.amount, y, right)
    firsts.push(item)
    if (dice.chance(2.2 / count)) {
      asked.push(readBeside('invoice.quantity', `What is the quantity of ${item.text}?`, item, quantityMark))
      asked.push(readBeside('invoice.unit', `What is the unit price of ${item.text}?`, item, unitMark))
      asked.push(readBeside('invoice.amount', `What is the amount for ${item.text}?`, item, amount))
    }
    y += height
  }
  const bottom = y - height * 0.7
  page.rule(manner === 'filled' ? accent : '#777777', margin, bottom, last, bottom, 1.5)
  if (manner === 'grid') {
    page.outline('#777777', margin, top - height * 0.7, inner, bottom - top + height * 0.7, 1.5)
    for (const x of [0.47, 0.62, 0.82])
      page.rule('#999999', margin + inner * x, top - height * 0.7, margin + inner * x, bottom)
  }
  asked.push(derived('invoice.count', 'How many items are billed?', String(count), firsts))
  return { bottom: y, sum }
}
