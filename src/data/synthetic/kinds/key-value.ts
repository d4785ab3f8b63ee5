import type { Dice } from '../dice.ts'
import { capital } from '../grammar.ts'
import { type Asked, type Compose, read, readBeside } from '../kind.ts'
import { anyDay, dayStyle, moneyStyle } from '../numbers.ts'
import { Page, type TextStyle } from '../page.ts'
import { accentColor, barcode, dotCode } from '../paper.ts'
import { Words } from '../words.ts'

interface Look {
  readonly subject: 'card' | 'screen'
  readonly background: string
  readonly ink: string
  readonly rule: string
}

/** A label of names and values: a machine's nameplate, a parcel's label, a product's facts, or settings on a screen. */
export const keyValue: Compose = (dice, fonts) => {
  const words = new Words(dice)
  const manner = dice.weighted({ plate: 3, parcel: 2, product: 3, settings: 2 })
  const look = looks[manner](dice)
  const family = fonts.pick(dice, 'sans', 'condensed', 'mono')
  const size = dice.float(19, 25)
  const body: TextStyle = { family, size, color: look.ink }
  const margin = size * dice.float(1.6, 2.6)
  const width = dice.int(500, 800)
  const last = width - margin
  const row = size * dice.float(1.45, 2)
  const page = new Page(width, 1300, look.background)
  if (manner === 'plate') brushed(page, dice)
  const asked: Asked[] = []
  let y = margin + size

  const name = dice.pick([words.company(), words.product(), `${capital(words.noun())} ${dice.code('?-###')}`])
  const title: TextStyle = {
    ...body,
    family: fonts.pick(dice, 'sans', 'condensed', 'display', 'serif'),
    size: size * dice.float(1.3, 1.8),
    face: 'bold',
  }
  const titleMark = page.write(name, margin, y, page.fitted(name, last - margin, title))
  asked.push(
    read(
      `label.title.${manner}`,
      dice.pick([
        'What does the top line say?',
        'What is the name at the top?',
        'What is the title of the label?',
      ]),
      titleMark,
    ),
  )
  y += row * 1.2
  const isRuled = dice.chance(0.6)
  const isSplit = dice.chance(0.55)
  const end = isSplit ? ':' : ''
  const entries = dice.sample(facts[manner], dice.int(3, 7))
  const middle = margin + (last - margin) * dice.float(0.4, 0.5)
  if (isRuled) page.rule(look.rule, margin, y - row * 0.78, last, y - row * 0.78, 2)
  for (const { form, labels, make } of entries) {
    const label = dice.pick(labels)
    const value = make(dice, words)
    const first = page.write(label + end, margin, y, page.fitted(label + end, middle - margin - 10, body))
    const style: TextStyle = {
      ...body,
      face: dice.chance(0.5) ? 'bold' : 'regular',
      align: isSplit ? 'left' : 'right',
    }
    const room = isSplit ? last - middle : last - middle + 20
    const second = page.write(value, isSplit ? middle : last, y, page.fitted(value, room, style))
    asked.push(
      readBeside(
        `label.${form}`,
        dice.pick([
          `What is the value of "${label}"?`,
          `What does the label say for "${label}"?`,
          `${label}?`,
        ]),
        first,
        second,
      ),
    )
    if (isRuled) page.rule(look.rule, margin, y + row * 0.34, last, y + row * 0.34, 1)
    y += row
  }
  y += size * 0.2
  if (manner !== 'settings' && dice.chance(0.55)) {
    if (dice.chance(0.6)) {
      barcode(page, margin, y - size * 0.6, (last - margin) * 0.75, size * 2.2, dice)
      y += size * 2.8
      const digits = dice.code(dice.pick(['# ###### ######', '############', '?? ### ### ###']))
      const mark = page.write(digits, margin, y, body)
      asked.push(read('label.barcode', 'Which number stands below the barcode?', mark))
      y += size * 0.6
    } else {
      dotCode(page, last - size * 5, y - size * 0.6, size * 5, dice)
      y += size * 4.6
    }
  }
  const bottom = y + margin * 0.7
  if (manner === 'plate') rivets(page, margin, bottom)
  else if (manner === 'product' && dice.chance(0.6))
    page.outline(look.ink, margin * 0.4, margin * 0.4, width - margin * 0.8, bottom - margin * 0.8, 3)
  return { page: page.cutAt(bottom), subject: look.subject, asked }
}

type Manner = 'plate' | 'parcel' | 'product' | 'settings'

const looks: Readonly<Record<Manner, (dice: Dice) => Look>> = {
  plate(dice) {
    const isDark = dice.chance(0.35)
    return {
      subject: 'card',
      background: isDark
        ? dice.pick(['#2b2d30', '#1d2f4a', '#1a1a1a'])
        : dice.pick(['#c3c6c9', '#b3b6b8', '#d3d2cc', '#c9b27a']),
      ink: isDark ? '#e6e6e6' : '#1a1a1a',
      rule: isDark ? 'rgba(255, 255, 255, 0.4)' : 'rgba(0, 0, 0, 0.4)',
    }
  },
  parcel: () => ({ subject: 'card', background: '#fefefe', ink: '#0e0e0e', rule: '#0e0e0e' }),
  product(dice) {
    const background = dice.pick(['#ffffff', '#f6f1df', '#e8f1e4', '#f9e9e4', '#e6eff6', accentColor(dice)])
    const isColored = background.startsWith('hsl')
    return {
      subject: 'card',
      background,
      ink: isColored ? '#ffffff' : '#161616',
      rule: isColored ? 'rgba(255, 255, 255, 0.5)' : '#555555',
    }
  },
  settings(dice) {
    const isDark = dice.chance(0.45)
    return {
      subject: 'screen',
      background: isDark ? '#202227' : '#ffffff',
      ink: isDark ? '#e6e6e8' : '#202124',
      rule: isDark ? '#3a3d44' : '#dddddd',
    }
  },
}

interface FactMaker {
  readonly form: string
  readonly labels: readonly string[]
  readonly make: (dice: Dice, words: Words) => string
}

function fact(form: string, labels: readonly string[], make: FactMaker['make']): FactMaker {
  return { form, labels, make }
}

function measured(
  form: string,
  labels: readonly string[],
  least: number,
  most: number,
  unit: string,
  places = 0,
): FactMaker {
  return fact(
    form,
    labels,
    (dice) =>
      `${(dice.int(least * 10 ** places, most * 10 ** places) / 10 ** places).toFixed(places)}${unit}`,
  )
}

const facts: Readonly<Record<Manner, readonly FactMaker[]>> = {
  plate: [
    fact('model', ['Model', 'Type', 'Mod.'], (dice) =>
      dice.code(dice.pick(['??-###', '?##?', '?? #### ?', '###-?'])),
    ),
    fact('serial', ['Serial No.', 'S/N', 'Ser. Nr.'], (dice) =>
      dice.code(dice.pick(['########', '??######', '##?#####', '####-####'])),
    ),
    measured('voltage', ['Voltage', 'Input', 'U'], 5, 690, ' V'),
    measured('current', ['Current', 'Rated current', 'I max'], 0.1, 63, ' A', 1),
    measured('power', ['Power', 'Rated power', 'P'], 4, 9900, ' W'),
    measured('frequency', ['Frequency', 'Freq.'], 15, 400, ' Hz'),
    measured('weight', ['Weight', 'Mass', 'Net weight'], 0.2, 980, ' kg', 1),
    fact('year', ['Year', 'Built', 'Mfg. date'], (dice) =>
      dice.chance(0.5) ? String(dice.int(1962, 2026)) : dayStyle(dice)(anyDay(dice)),
    ),
    measured('pressure', ['Max. pressure', 'Pressure'], 0.5, 400, ' bar', 1),
    measured('temperature', ['Max. temp.', 'Temp. range'], -40, 240, ' °C'),
    fact('made', ['Made in', 'Origin'], (_, words) => words.country()),
    fact('order', ['Order no.', 'Art. no.', 'P/N'], (dice) =>
      dice.code(dice.pick(['#### ####', '??-#####', '###.###.##'])),
    ),
  ],
  parcel: [
    fact('to', ['To', 'Ship to', 'Recipient'], (_, words) => words.person()),
    fact('from', ['From', 'Sender'], (_, words) => words.company()),
    fact('street', ['Street', 'Address'], (_, words) => words.street()),
    fact('city', ['City', 'Destination'], (_, words) => words.city()),
    fact('postcode', ['Postcode', 'ZIP'], (_, words) => words.postcode()),
    measured('parcel-weight', ['Weight', 'Wt.'], 0.1, 38, ' kg', 2),
    fact('tracking', ['Tracking', 'Tracking no.', 'Consignment'], (dice) =>
      dice.code(dice.pick(['## #### #### ####', '??#########??', '#### #### ##'])),
    ),
    fact('sent', ['Date', 'Ship date', 'Posted'], (dice) => dayStyle(dice)(anyDay(dice))),
    fact('parcel-order', ['Order', 'Reference', 'Ref.'], (dice) =>
      dice.code(dice.pick(['#######', '??-####-##', '##-#####'])),
    ),
    fact('route', ['Route', 'Depot', 'Hub'], (dice) => dice.code(dice.pick(['?##', '??? #', '##?-#']))),
  ],
  product: [
    measured('energy', ['Energy', 'Calories'], 8, 899, ' kcal'),
    measured('fat', ['Fat', 'Total fat'], 0.1, 91, ' g', 1),
    measured('sugar', ['Sugars', 'of which sugars'], 0.1, 88, ' g', 1),
    measured('protein', ['Protein'], 0.1, 72, ' g', 1),
    measured('salt', ['Salt', 'Sodium'], 0.01, 7, ' g', 2),
    measured('fibre', ['Fibre', 'Fiber'], 0.1, 38, ' g', 1),
    fact('best-before', ['Best before', 'Use by', 'EXP'], (dice) => dayStyle(dice)(anyDay(dice, 2022, 2031))),
    fact('lot', ['Lot', 'Batch', 'LOT No.'], (dice) =>
      dice.code(dice.pick(['L######', '##?###', '?#####', '####/##'])),
    ),
    measured('net', ['Net weight', 'Content', 'Net'], 12, 4900, ' g'),
    fact('price', ['Price', 'Unit price', 'RRP'], (dice) => moneyStyle(dice).format(dice.int(39, 24_900))),
    fact('origin', ['Product of', 'Country of origin'], (_, words) => words.country()),
    fact('article', ['Art. no.', 'Item', 'SKU'], (dice) =>
      dice.code(dice.pick(['######', '??-####', '###-###'])),
    ),
  ],
  settings: [
    fact(
      'device',
      ['Device name', 'Host name', 'Name'],
      (_, words) => `${words.firstName()}'s ${capital(words.noun())}`,
    ),
    fact(
      'version',
      ['Version', 'Firmware', 'Build'],
      (dice) => `${dice.int(1, 24)}.${dice.int(0, 60)}.${dice.int(0, 99)}`,
    ),
    fact(
      'ip',
      ['IP address', 'Address', 'Gateway'],
      (dice) => `${dice.int(10, 223)}.${dice.int(0, 255)}.${dice.int(0, 255)}.${dice.int(1, 254)}`,
    ),
    measured('storage', ['Storage', 'Used', 'Free space'], 1, 980, ' GB', 1),
    fact('user', ['User', 'Account', 'Owner'], (_, words) => words.person()),
    fact('mail', ['E-mail', 'Login'], (_, words) => words.email(words.person(), words.domain())),
    measured('battery', ['Battery', 'Brightness', 'Volume'], 1, 100, '%'),
    fact('network', ['Network', 'Wi-Fi', 'SSID'], (dice, words) => `${words.noun()}-${dice.code('##?')}`),
    fact('updated', ['Last update', 'Last backup', 'Installed'], (dice) => dayStyle(dice)(anyDay(dice))),
    fact('mac', ['MAC', 'Hardware ID'], (dice) => dice.code('?#:##:#?:##:?#:##').toUpperCase()),
    fact('place', ['Location', 'Time zone', 'Region'], (_, words) => words.city()),
  ],
}

/** The fine scratches of rolled metal. */
function brushed(page: Page, dice: Dice): void {
  for (let i = 0; i < 500; i++) {
    const y = dice.float(0, page.height)
    page.rule(
      `rgba(${dice.chance(0.5) ? '255, 255, 255' : '0, 0, 0'}, ${dice.float(0.02, 0.09)})`,
      0,
      y,
      page.width,
      y + dice.float(-2, 2),
      1,
    )
  }
}

function rivets(page: Page, margin: number, bottom: number): void {
  const { ctx, width } = page
  const inset = margin * 0.42
  for (const x of [inset, width - inset])
    for (const y of [inset, bottom - inset]) {
      const shine = ctx.createRadialGradient(x - 3, y - 3, 1, x, y, inset * 0.42)
      shine.addColorStop(0, '#f4f4f4')
      shine.addColorStop(1, '#5a5a5a')
      ctx.fillStyle = shine
      ctx.beginPath()
      ctx.arc(x, y, inset * 0.42, 0, 7)
      ctx.fill()
    }
}
