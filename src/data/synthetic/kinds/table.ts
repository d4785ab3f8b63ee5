import type { Dice } from '../dice.ts'
import { capital, plural } from '../grammar.ts'
import { type Asked, type Compose, derived, read } from '../kind.ts'
import { anyDay, dayStyle, moneyStyle } from '../numbers.ts'
import { type Mark, Page, type TextStyle } from '../page.ts'
import { accentColor, inkColor, paperColor } from '../paper.ts'
import { Words } from '../words.ts'

/** One column of a table: its heading, and a value for each row. */
interface Column {
  readonly heading: string
  readonly values: readonly string[]
  /** The numbers behind the values, where they can be compared. */
  readonly numbers?: readonly number[]
  readonly isRight: boolean
}

/** A table with a heading for each column and a name for each row, as in a report, on a notice or on a screen. */
export const table: Compose = (dice, fonts) => {
  const words = new Words(dice)
  const isScreen = dice.chance(0.4)
  const family = fonts.pick(dice, 'sans', 'sans', 'serif', 'condensed', 'mono')
  const size = dice.float(18, 24)
  const ink = inkColor(dice)
  const accent = accentColor(dice)
  const body: TextStyle = { family, size, color: ink }
  const rows = dice.int(3, 9)
  const [subject, names] = rowNames(dice, words, rows)
  const columns = [
    { heading: subject, values: names, isRight: false },
    ...dice.sample(columnMakers, dice.int(2, 4)).map((make) => make(dice, words, rows)),
  ]

  const measure = new Page(8, 8)
  const head: TextStyle = { ...body, face: 'bold' }
  const gap = size * dice.float(1.1, 2.2)
  const widths = columns.map(({ heading, values }) =>
    Math.max(measure.widthOf(heading, head), ...values.map((value) => measure.widthOf(value, body))),
  )
  const inner = widths.reduce((sum, width) => sum + width + gap, 0)
  const margin = dice.int(36, 80)
  const rowHeight = size * dice.float(1.5, 2.2)
  const page = new Page(
    inner + 2 * margin,
    margin * 2 + rowHeight * (rows + 1) + size * 6,
    isScreen ? '#ffffff' : paperColor(dice),
  )
  const asked: Asked[] = []
  let y = margin + size

  if (dice.chance(0.75)) {
    const place = dice.pick([
      words.city(),
      words.company(),
      `${capital(words.noun())} ${capital(words.noun())}`,
    ])
    const title = `${dice.pick(['Overview', 'Report', 'List', 'Schedule', 'Results', 'Summary', `Table ${dice.int(1, 40)}`])}: ${place}`
    const style: TextStyle = {
      ...body,
      size: size * 1.35,
      face: 'bold',
      color: dice.chance(0.5) ? accent : ink,
    }
    const mark = page.write(title, margin, y, page.fitted(title, inner, style))
    asked.push(read('table.title', 'What is the title of the table?', mark))
    y += size * 2.1
  }
  const manner = dice.pick(['grid', 'lines', 'zebra', 'headed', 'plain'] as const)
  const isFilled = manner === 'headed' || (manner === 'zebra' && dice.chance(0.6))
  const top = y - rowHeight * 0.66
  if (isFilled) page.fill(accent, margin, top, inner, rowHeight)
  const lefts = widths.map((_, i) => margin + widths.slice(0, i).reduce((sum, width) => sum + width + gap, 0))
  const place = (i: number) => (columns[i]!.isRight ? lefts[i]! + widths[i]! + gap / 2 : lefts[i]! + gap / 2)
  const headings = columns.map(({ heading, isRight }, i) =>
    page.write(heading, place(i), y, {
      ...head,
      color: isFilled ? '#ffffff' : ink,
      align: isRight ? 'right' : 'left',
    }),
  )
  const cells: Mark[][] = []
  for (let row = 0; row < rows; row++) {
    y += rowHeight
    const above = y - rowHeight * 0.66
    if (manner === 'zebra' && row % 2 === 0)
      page.fill('rgba(20, 40, 90, 0.07)', margin, above, inner, rowHeight)
    if (manner === 'lines' || manner === 'grid') page.rule('#9a9a9a', margin, above, margin + inner, above)
    if (manner === 'headed' && row > 0) page.rule('#d0d0d0', margin, above, margin + inner, above)
    cells.push(
      columns.map(({ values, isRight }, i) =>
        page.write(values[row]!, place(i), y, { ...body, align: isRight ? 'right' : 'left' }),
      ),
    )
  }
  const bottom = y + rowHeight * 0.34
  if (manner === 'grid') {
    page.outline('#777777', margin, top, inner, bottom - top, 1.5)
    for (const left of lefts.slice(1)) page.rule('#9a9a9a', left, top, left, bottom)
  } else if (manner !== 'zebra') page.rule(ink, margin, bottom, margin + inner, bottom, 1.5)
  if (manner === 'plain') page.rule(ink, margin, top + rowHeight, margin + inner, top + rowHeight, 2)
  askCells(columns, headings, cells, asked, dice)
  return { page: page.cutAt(bottom + margin * 0.8), subject: isScreen ? 'screen' : 'sheet', asked }
}

function askCells(
  columns: readonly Column[],
  headings: readonly Mark[],
  cells: readonly (readonly Mark[])[],
  asked: Asked[],
  dice: Dice,
): void {
  for (let count = 0; count < 3; count++) {
    const row = dice.int(0, cells.length - 1)
    const column = dice.int(1, columns.length - 1)
    const name = cells[row]![0]!
    const value = cells[row]![column]!
    const heading = headings[column]!
    const question = dice.pick([
      `What is the ${heading.text} of ${name.text}?`,
      `In the row "${name.text}", what stands under "${heading.text}"?`,
      `What is the value of ${heading.text} for ${name.text}?`,
    ])
    asked.push({
      ...read(`table.cell.${columns[column]!.heading}`, question, value),
      evidence: [name, heading, value],
    })
  }
  for (const [column, { numbers }] of columns.entries()) {
    if (!numbers) continue
    const isMost = dice.chance(0.5)
    const wanted = isMost ? Math.max(...numbers) : Math.min(...numbers)
    if (numbers.filter((number) => number === wanted).length > 1) continue
    const row = numbers.indexOf(wanted)
    const question = `Which ${columns[0]!.heading} has the ${isMost ? 'highest' : 'lowest'} ${columns[column]!.heading}?`
    asked.push(
      derived('table.extreme', question, cells[row]![0]!.text, [cells[row]![0]!, cells[row]![column]!]),
    )
  }
  const row = dice.int(0, cells.length - 1)
  asked.push(
    read('table.row', `Which ${columns[0]!.heading} is in row ${row + 1} of the table?`, cells[row]![0]!),
  )
  asked.push(
    derived(
      'table.rows',
      'How many rows does the table have below its heading?',
      String(cells.length),
      cells.map((r) => r[0]!),
    ),
  )
}

function rowNames(dice: Dice, words: Words, rows: number): readonly [string, string[]] {
  const [heading, make] = dice.pick<readonly [string, () => string]>([
    ['Name', () => words.person()],
    ['City', () => words.city()],
    ['Product', () => `${capital(words.adjective())} ${capital(words.noun())}`],
    ['Item', () => capital(words.noun())],
    ['Team', () => `${words.city()} ${capital(plural(words.noun()))}`],
    ['Company', () => words.company()],
    ['Code', () => dice.code('??-###')],
    ['Country', () => words.country()],
    ['Title', () => words.title().split(' ').slice(0, 5).join(' ')],
    ['Department', () => `${capital(words.noun())} ${words.department()}`],
  ])
  return [heading, dice.distinct(rows, make)]
}

type MakeColumn = (dice: Dice, words: Words, rows: number) => Column

function numeric(
  heading: string,
  make: (dice: Dice) => number,
  write: (value: number) => string = String,
): MakeColumn {
  return (dice, _, rows) => {
    const numbers = Array.from({ length: rows }, () => make(dice))
    return { heading, numbers, values: numbers.map(write), isRight: true }
  }
}

function textual(heading: string, make: (words: Words, dice: Dice) => string): MakeColumn {
  return (dice, words, rows) => ({
    heading,
    values: Array.from({ length: rows }, () => make(words, dice)),
    isRight: false,
  })
}

const grouped = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

const columnMakers: readonly MakeColumn[] = [
  numeric('Points', (dice) => dice.int(11, 980)),
  numeric(
    'Score',
    (dice) => dice.int(100, 999),
    (value) => (value / 10).toFixed(1),
  ),
  numeric('Population', (dice) => dice.int(1200, 4_900_000), grouped),
  numeric(
    'Weight',
    (dice) => dice.int(105, 9800),
    (value) => `${(value / 10).toFixed(1)} kg`,
  ),
  numeric(
    'Length',
    (dice) => dice.int(12, 990),
    (value) => `${value} cm`,
  ),
  numeric('Units', (dice) => dice.int(10, 9999), grouped),
  numeric(
    'Share',
    (dice) => dice.int(10, 990),
    (value) => `${(value / 10).toFixed(1)}%`,
  ),
  numeric(
    'Growth',
    (dice) => dice.int(-480, 990),
    (value) => `${value > 0 ? '+' : ''}${(value / 10).toFixed(1)}%`,
  ),
  numeric(
    'Temp.',
    (dice) => dice.int(-290, 450),
    (value) => `${(value / 10).toFixed(1)} °C`,
  ),
  numeric('Founded', (dice) => dice.int(1180, 2024)),
  numeric('Stock', (dice) => dice.int(10, 640)),
  (dice, _, rows) => {
    const money = moneyStyle(dice)
    const numbers = Array.from({ length: rows }, () => dice.int(120, dice.pick([9000, 150_000, 2_000_000])))
    return {
      heading: dice.pick(['Price', 'Cost', 'Revenue', 'Budget', 'Fee']),
      numbers,
      values: numbers.map(money.format),
      isRight: true,
    }
  },
  (dice, _, rows) => {
    const write = dayStyle(dice)
    return {
      heading: dice.pick(['Date', 'Start', 'Due']),
      values: Array.from({ length: rows }, () => write(anyDay(dice))),
      isRight: false,
    }
  },
  textual('Contact', (words) => words.lastName()),
  textual('Place', (words) => words.city()),
  textual('Room', (_, dice) => dice.code('?###')),
  textual('Ref.', (_, dice) => dice.code('##-?##')),
  textual('Remark', (words) => capital(words.adjective())),
  textual('Phone', (words) => words.phone()),
]
