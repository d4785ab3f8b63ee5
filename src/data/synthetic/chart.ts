import type { Dice } from './dice.ts'
import type { Family, FontBook } from './faces.ts'
import { capital, plural } from './grammar.ts'
import { type Asked, read } from './kind.ts'
import { type Mark, Page, type TextStyle } from './page.ts'
import { paperColor } from './paper.ts'
import { Words } from './words.ts'

/** The frame of a chart: page, letters, colours and the place for the drawing. */
export interface Chart {
  readonly page: Page
  readonly subject: 'screen' | 'sheet'
  readonly body: TextStyle
  readonly palette: readonly string[]
  readonly gridColor: string
  readonly background: string
  readonly words: Words
  /** Where the drawing goes: its axes' labels need room within. */
  readonly area: Area
  readonly asked: Asked[]
}

export interface Area {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** Colours that tell series apart, as drawing programs offer them. */
const palettes: readonly (readonly string[])[] = [
  ['#4e79a7', '#f28e2b', '#e15759', '#76b7b2', '#59a14f', '#edc948', '#b07aa1', '#9c755f'],
  ['#1f77b4', '#ff7f0e', '#2ca02c', '#d62728', '#9467bd', '#8c564b', '#e377c2', '#17becf'],
  ['#264653', '#2a9d8f', '#e9c46a', '#f4a261', '#e76f51', '#6d597a', '#b56576', '#355070'],
  ['#003f5c', '#58508d', '#bc5090', '#ff6361', '#ffa600', '#2f7f6f', '#8fb339', '#7a4f2b'],
  ['#3366cc', '#dc3912', '#ff9900', '#109618', '#990099', '#0099c6', '#dd4477', '#66aa00'],
  ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442', '#8b6f47'],
]

/** Title, axis words and colours, with the questions about the title already asked. */
export function chartFrame(dice: Dice, fonts: FontBook, kind: 'bar' | 'line' | 'pie'): Chart {
  const words = new Words(dice)
  const subject = dice.chance(0.6) ? 'screen' : 'sheet'
  const isDark = subject === 'screen' && dice.chance(0.15)
  const background = isDark
    ? dice.pick(['#1e1f25', '#17202e'])
    : subject === 'sheet'
      ? paperColor(dice)
      : dice.pick(['#ffffff', '#fafafa', '#f7f8fb'])
  const family: Family = fonts.pick(dice, 'sans', 'sans', 'sans', 'serif', 'condensed')
  const size = dice.float(18, 23)
  const body: TextStyle = {
    family,
    size,
    color: isDark ? '#e2e2e4' : dice.pick(['#222222', '#333333', '#444444', '#1c2536']),
  }
  const width = dice.int(720, 1040)
  const height = width * dice.float(0.58, 0.8)
  const page = new Page(width, height, background)
  const margin = dice.int(28, 54)
  const asked: Asked[] = []
  let top = margin
  if (dice.chance(0.9)) {
    const title = chartTitle(dice, words)
    const style: TextStyle = {
      ...body,
      size: size * dice.float(1.2, 1.55),
      face: 'bold',
      align: dice.chance(0.5) ? 'center' : 'left',
    }
    const mark = page.write(
      title,
      style.align === 'center' ? width / 2 : margin,
      top + style.size * 0.8,
      page.fitted(title, width - 2 * margin, style),
    )
    asked.push(
      read(
        `${kind}.title`,
        dice.pick(['What is the title of the chart?', 'What does the heading of the chart say?']),
        mark,
      ),
    )
    top += style.size * 1.7
  }
  let bottom = height - margin
  if (dice.chance(0.35)) {
    const source = `Source: ${words.company()}${dice.chance(0.5) ? `, ${dice.int(1990, 2027)}` : ''}`
    const mark = page.write(source, margin, bottom, { ...body, size: size * 0.85 })
    asked.push({
      ...read(`${kind}.source`, 'Which source does the chart name?', mark),
      answer: mark.text.slice('Source: '.length),
    })
    bottom -= size * 1.6
  }
  const palette = dice.shuffle(dice.pick(isDark ? palettes.slice(0, 2) : palettes))
  return {
    ...{ page, subject, body, palette, words, asked, background },
    gridColor: isDark ? '#3c3f48' : dice.pick(['#d8d8d8', '#e4e4e4', '#c8ccd2']),
    area: { left: margin, top, right: width - margin, bottom },
  }
}

function chartTitle(dice: Dice, words: Words): string {
  const thing = capital(words.noun())
  return dice.pick([
    () =>
      `${thing} ${dice.pick(['Sales', 'Output', 'Exports', 'Demand', 'Prices', 'Use', 'Visits', 'Costs'])} ${dice.int(1985, 2027)}`,
    () =>
      `${dice.pick(['Number', 'Share', 'Amount', 'Cost'])} of ${words.adjective()} ${plural(words.noun())}`,
    () => `${thing} by ${dice.pick(['Region', 'Type', 'Group', 'Site', 'Branch', 'Team'])}`,
    () => `${words.company()}: ${words.department()}`,
    () => `${capital(words.adjective())} ${words.noun()} in ${words.city()}`,
    () => `Figure ${dice.int(1, 98)}: ${thing}`,
  ])()
}

/** Different names for what is compared: months, years, places, people or things. */
export function categoryNames(dice: Dice, words: Words, count: number, isOrdered: boolean): string[] {
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
  const inOrder = dice.int(0, 2)
  if (isOrdered && inOrder === 0) {
    const first = dice.int(1930, 2026 - count)
    return Array.from({ length: count }, (_, i) => String(first + i))
  }
  if (isOrdered && inOrder === 1 && count <= 12) {
    const first = dice.int(0, 12 - count)
    return months.slice(first, first + count)
  }
  if (isOrdered) {
    const step = dice.pick([2, 5, 10])
    const first = dice.int(180, 195) * 10
    return Array.from({ length: count }, (_, i) => String(first + i * step))
  }
  const make = dice.pick([
    () => capital(words.shortNoun()),
    () => words.firstName(),
    () => words.city(),
    () => words.lastName(),
    () => words.country(),
    () => dice.code('?#'),
  ])
  const short = (): string => {
    const name = make()
    return name.length <= 12 ? name : short()
  }
  return dice.distinct(count, short)
}

/** An axis from 0 to `top` with a line at every `step`. */
export interface Scale {
  readonly step: number
  readonly top: number
  readonly write: (value: number) => string
}

/** A scale of round steps, in units that a report might use. */
export function chartScale(dice: Dice): Scale {
  const step = dice.pick([0.2, 0.5, 1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000])
  const top = step * dice.int(4, 8)
  const places = step < 1 ? 1 : 0
  const write = (value: number) => value.toFixed(places).replace(/\B(?=(\d{3})+$)/g, step >= 1000 ? ',' : '')
  return { step, top, write }
}

/** Different values that can be told from the lines of the axis: fifths of a step. */
export function chartValues(dice: Dice, { step, top }: Scale, count: number): number[] {
  const parts = Math.round((top / step) * 5)
  const chosen = dice.sample(
    Array.from({ length: parts - 2 }, (_, i) => i + 3),
    count,
  )
  return chosen.map((part) => Number(((part * step) / 5).toFixed(2)))
}

/** Numbers as they would be written beside a bar: as many places as fifths of a step need. */
export function writeValue(value: number, { step }: Scale): string {
  const places = step < 1 ? 2 : step < 5 ? 1 : 0
  const text = value.toFixed(places)
  return step >= 1000 ? text.replace(/\B(?=(\d{3})+$)/g, ',') : text
}

/** Coloured squares with names in one row, within a width; where each name stands. */
export function legend(
  chart: Chart,
  names: readonly string[],
  colors: readonly string[],
  x: number,
  y: number,
): Mark[] {
  const { page, body } = chart
  const style: TextStyle = { ...body, size: body.size * 0.9 }
  let at = x
  return names.map((name, i) => {
    page.fill(colors[i]!, at, y - style.size * 0.72, style.size * 0.75, style.size * 0.75)
    const mark = page.write(name, at + style.size * 1.05, y, style)
    at = mark.box[2] + style.size * 1.1
    return mark
  })
}

/** How wide a legend in one row is. */
export function legendWidth({ page, body }: Chart, names: readonly string[]): number {
  const style: TextStyle = { ...body, size: body.size * 0.9 }
  return names.reduce((sum, name) => sum + page.widthOf(name, style) + style.size * 2.3, 0)
}
