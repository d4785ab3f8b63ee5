import type { Dice } from '../dice.ts'
import { type Asked, type Compose, derived, read, readBeside } from '../kind.ts'
import { anyDay, dayStyle, moneyStyle, timeStyle } from '../numbers.ts'
import { Page, type TextStyle } from '../page.ts'
import { barcode, dotCode, inkColor } from '../paper.ts'
import { type Trade, Words } from '../words.ts'

/** A till's receipt on a narrow strip of paper. */
export const receipt: Compose = (dice, fonts) => {
  const words = new Words(dice)
  const trade: Trade = dice.weighted({ groceries: 5, dishes: 4, hardware: 2 })
  const money = moneyStyle(dice)
  const width = dice.int(460, 640)
  const margin = dice.int(26, 46)
  const family = fonts.pick(dice, 'mono', 'mono', 'mono', 'sans', 'condensed')
  const size = dice.float(20, 25)
  const line = size * dice.float(1.25, 1.6)
  const ink = dice.chance(0.75) ? inkColor(dice) : dice.pick(['#3d3d48', '#4a4a55', '#2c3560'])
  const body: TextStyle = { family, size, color: ink }
  const right: TextStyle = { ...body, align: 'right' }
  const middle: TextStyle = { ...body, align: 'center' }
  const page = new Page(width, 2600, dice.pick(['#fdfdfd', '#fbfaf7', '#f6f5f0', '#f3f4f5', '#fffdf6']))
  const centre = width / 2
  const last = width - margin
  const asked: Asked[] = []
  let y = margin + line

  const headFamily = dice.chance(0.5) ? family : fonts.pick(dice, 'sans', 'serif', 'display', 'condensed')
  const shopName = words.shop(trade)
  const head = page.fitted(shopName, width - 2 * margin, {
    family: headFamily,
    size: size * dice.float(1.4, 2.3),
    color: ink,
    face: 'bold',
    align: 'center',
  })
  y += head.size * 0.4
  const shop = page.write(shopName, centre, y, head)
  asked.push(
    read(
      'receipt.shop',
      dice.pick(['What is the name of the shop?', 'Which store issued this receipt?']),
      shop,
    ),
  )
  y += line * 1.2
  const address = page.write(words.street(), centre, y, middle)
  asked.push(read('receipt.street', 'What is the street address on the receipt?', address))
  y += line
  page.write(`${words.postcode()} ${words.city()}`, centre, y, middle)
  y += line
  if (dice.chance(0.7)) {
    const phone = words.phone()
    const label = dice.pick(['Tel. ', 'Phone: ', 'T: ', ''])
    const mark = page.write(`${label}${phone}`, centre, y, middle)
    asked.push({ ...read('receipt.phone', 'What is the phone number?', mark), answer: phone })
    y += line
  }
  y += line * 0.3
  const rule = separator(page, dice, body, margin, last)
  rule(y)
  y += line

  const day = page.write(dayStyle(dice)(anyDay(dice)), margin, y, body)
  asked.push(
    read('receipt.date', dice.pick(['What is the date on the receipt?', 'When was the purchase made?']), day),
  )
  const time = page.write(timeStyle(dice)(dice.int(7 * 60, 22 * 60)), last, y, right)
  asked.push(read('receipt.time', 'What time is printed on the receipt?', time))
  y += line
  if (dice.chance(0.75)) {
    const label = dice.pick(['Receipt #', 'Receipt No', 'Bill', 'Trans', 'Order', 'Check'])
    page.write(label, margin, y, body)
    const number = page.write(
      dice.code(dice.pick(['######', '##-####', '?####', '########', '###/##'])),
      last,
      y,
      right,
    )
    asked.push(read('receipt.number', `What is the number after "${label}"?`, number))
    y += line
  }
  if (dice.chance(0.5)) {
    page.write(dice.pick(['Cashier', 'Served by', 'Your server', 'Operator']), margin, y, body)
    const cashier = page.write(words.firstName(), last, y, right)
    asked.push(read('receipt.cashier', 'Who was the cashier?', cashier))
    y += line
  }
  rule(y)
  y += line

  const showsQuantity = dice.chance(0.5)
  const names = words.goods(trade, dice.int(2, dice.chance(0.2) ? 14 : 8))
  const dear = dice.pick(
    { groceries: [400, 900, 2000], dishes: [900, 2000, 4500], hardware: [900, 2500, 12_000] }[trade],
  )
  const prices: number[] = []
  const priceMarks = names.map((name) => {
    const quantity = showsQuantity ? dice.pick([1, 1, 1, 2, 2, 3, 4, 6]) : 1
    const cents = quantity * Math.max(35, Math.round(dear * dice.random() ** 1.6 + dice.int(30, 150)))
    prices.push(cents)
    const text = showsQuantity ? `${quantity} ${name}` : name
    const price = page.write(money.bare(cents), last, y, right)
    const room = last - margin - page.widthOf(money.bare(cents), body) - size
    const shown = page.write(text, margin, y, page.fitted(text, room, body))
    y += line
    return { name: showsQuantity ? shown.text.replace(/^\d+ /, '') : shown.text, shown, price }
  })
  const asksPrices = dice.sample(priceMarks, 2)
  for (const { name, shown, price } of asksPrices)
    asked.push({
      ...read(
        'receipt.price',
        dice.pick([`What is the price of ${name}?`, `How much did ${name} cost?`]),
        price,
      ),
      evidence: [shown, price],
    })
  const [dearest] = priceMarks.toSorted(
    (a, b) => prices[priceMarks.indexOf(b)]! - prices[priceMarks.indexOf(a)]!,
  )
  if (prices.filter((price) => price === Math.max(...prices)).length === 1)
    asked.push(
      derived('receipt.dearest', 'Which item has the highest price?', dearest!.name, [
        dearest!.shown,
        dearest!.price,
      ]),
    )
  asked.push(
    derived(
      'receipt.count',
      'How many different items are listed?',
      String(names.length),
      priceMarks.map(({ shown }) => shown),
    ),
  )
  rule(y)
  y += line

  const subtotal = prices.reduce((a, b) => a + b, 0)
  const rate = dice.pick([0, 5, 6.5, 7, 8.25, 8.875, 10, 19, 20, 21])
  const tax = Math.round((subtotal * rate) / 100)
  const total = subtotal + tax
  const row = (label: string, value: string, style: TextStyle = body) => {
    const first = page.write(label, margin, y, { ...style, align: 'left' })
    const second = page.write(value, last, y, { ...style, align: 'right' })
    y += Math.max(line, style.size * 1.4)
    return { first, second }
  }
  if (rate > 0 && dice.chance(0.85)) {
    const { first, second } = row(
      dice.pick(['Subtotal', 'Sub-total', 'Net', 'SUBTOTAL']),
      money.bare(subtotal),
    )
    asked.push(readBeside('receipt.subtotal', 'What is the subtotal?', first, second))
  }
  if (rate > 0) {
    const { first, second } = row(
      dice.pick([`Tax ${rate}%`, `VAT ${rate}%`, `Sales Tax (${rate}%)`]),
      money.bare(tax),
    )
    asked.push(readBeside('receipt.tax', 'How much is the tax?', first, second))
  }
  y += line * 0.3
  const big: TextStyle = { ...body, size: size * dice.float(1, 1.55), face: 'bold' }
  const sum = row(
    dice.pick(['TOTAL', 'Total', 'Amount due', 'GRAND TOTAL', 'To pay']),
    money.format(total),
    big,
  )
  const totalQuestion = dice.pick([
    'What is the total?',
    'What is the total amount?',
    'How much was paid in total?',
  ])
  asked.push(readBeside('receipt.total', totalQuestion, sum.first, sum.second))
  if (dice.chance(0.5)) {
    const given = Math.ceil(total / 500) * 500 + dice.pick([0, 0, 500, 1000])
    const cash = row(dice.pick(['Cash', 'CASH', 'Tendered']), money.bare(given))
    const change = row(dice.pick(['Change', 'CHANGE', 'Change due']), money.bare(given - total))
    asked.push({
      ...read('receipt.cash', 'How much cash was given?', cash.second),
      evidence: [cash.first, cash.second],
    })
    if (given > total)
      asked.push({
        ...read('receipt.change', 'How much change was given back?', change.second),
        evidence: [change.first, change.second],
      })
  } else if (dice.chance(0.8)) {
    const card = dice.pick(['VISA', 'MASTERCARD', 'AMEX', 'MAESTRO', 'DEBIT', 'Card'])
    const digits = dice.code('####')
    const { second } = row(card, `${dice.pick(['**** ', 'XXXX-', '************', '...'])}${digits}`)
    asked.push({
      ...read('receipt.card', 'What are the last four digits of the card?', second),
      answer: digits,
    })
  }
  y += line * 0.5
  if (dice.chance(0.85)) {
    page.write(
      dice.pick([
        'Thank you!',
        'THANK YOU FOR SHOPPING',
        'Please come again',
        'Have a nice day',
        'Merci!',
        'No refund without receipt',
      ]),
      centre,
      y,
      page.fitted('THANK YOU FOR SHOPPING', width - 2 * margin, middle),
    )
    y += line
  }
  if (dice.chance(0.45)) {
    barcode(page, centre - width * 0.32, y - line * 0.4, width * 0.64, line * 2, dice)
    y += line * 2.2
  } else if (dice.chance(0.3)) {
    dotCode(page, centre - 70, y - line * 0.4, 140, dice)
    y += 150
  }
  return { page: page.cutAt(y + dice.int(10, 60)), subject: 'strip', asked }
}

/** One way to draw lines across, for the whole receipt. */
function separator(
  page: Page,
  dice: Dice,
  style: TextStyle,
  left: number,
  right: number,
): (y: number) => void {
  const manner = dice.pick(['dashes', 'dots', 'line', 'double', 'stars', 'none'])
  return (y) => {
    const at = y - style.size * 0.35
    if (manner === 'line' || manner === 'double') page.rule(style.color, left, at, right, at, 1.5)
    if (manner === 'double') page.rule(style.color, left, at + 5, right, at + 5, 1.5)
    if (manner === 'dots') page.rule(style.color, left, at, right, at, 2, [2, 5])
    if (manner === 'dashes') page.rule(style.color, left, at, right, at, 2, [10, 6])
    if (manner !== 'stars') return
    const star = page.widthOf('*', style)
    const signs = '*'.repeat(Math.floor((right - left) / star))
    page.write(signs, left, y, style)
  }
}
