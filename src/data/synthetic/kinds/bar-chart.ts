import {
  type Area,
  type Chart,
  categoryNames,
  chartFrame,
  chartScale,
  chartValues,
  legend,
  legendWidth,
  type Scale,
  writeValue,
} from '../chart.ts'
import type { Dice } from '../dice.ts'
import { capital } from '../grammar.ts'
import { type Asked, type Compose, derived, read, readBeside } from '../kind.ts'
import type { Box, Mark, TextStyle } from '../page.ts'

/** A bar of one category and series. */
interface Bar {
  readonly category: number
  readonly series: number
  readonly value: number
  readonly box: Box
}

/** Upright or lying bars, one series or several side by side. */
export const barChart: Compose = (dice, fonts) => {
  const chart = chartFrame(dice, fonts, 'bar')
  const { page, words, asked } = chart
  const seriesCount = dice.weighted({ 1: 7, 2: 2, 3: 1 })
  const series = Number(seriesCount)
  const count = dice.int(3, series > 1 ? 5 : 9)
  const isLying = dice.chance(0.35)
  const names = categoryNames(dice, words, count, !isLying && dice.chance(0.35))
  const scale = chartScale(dice)
  const values = Array.from({ length: series }, () => chartValues(dice, scale, names.length))
  const hasValues = dice.chance(0.5)
  let area = chart.area

  const seriesNames = series > 1 ? dice.distinct(series, () => capital(words.shortNoun())) : []
  if (series > 1) {
    const wide = legendWidth(chart, seriesNames)
    legend(
      chart,
      seriesNames,
      chart.palette,
      Math.max(area.left, (area.left + area.right - wide) / 2),
      area.top + chart.body.size * 0.7,
    )
    area = { ...area, top: area.top + chart.body.size * 1.8 }
  }
  const { bars, labels } = isLying
    ? lyingBars(chart, area, names, values, scale, dice)
    : uprightBars(chart, area, names, values, scale, dice)
  const marks = hasValues ? bars.map((bar) => valueLabel(chart, bar, scale, isLying)) : undefined
  ask({ names, seriesNames, bars, labels, marks, scale, dice, asked })
  return { page, subject: chart.subject, asked }
}

interface Drawn {
  readonly bars: readonly Bar[]
  readonly labels: readonly Mark[]
}

function uprightBars(
  chart: Chart,
  whole: Area,
  names: readonly string[],
  values: readonly (readonly number[])[],
  scale: Scale,
  dice: Dice,
): Drawn {
  const { page, body, palette, gridColor, words, asked } = chart
  const small: TextStyle = { ...body, size: body.size * 0.9 }
  const isTilted = names.some(
    (name) => page.widthOf(name, small) > ((whole.right - whole.left) / names.length) * 0.92,
  )
  const below = isTilted ? body.size * 4.2 : body.size * 1.7
  const axisWord = dice.chance(0.5) ? capital(words.noun()) : undefined
  const left = whole.left + page.widthOf(scale.write(scale.top), small) + body.size * (axisWord ? 2 : 0.7)
  const area = { left, top: whole.top + body.size, right: whole.right, bottom: whole.bottom - below }
  if (axisWord) {
    page.ctx.save()
    page.ctx.translate(whole.left + body.size * 0.6, (area.top + area.bottom) / 2)
    page.ctx.rotate(-Math.PI / 2)
    const mark = page.write(axisWord, 0, 0, { ...small, align: 'center' })
    page.ctx.restore()
    asked.push(read('bar.axis', 'What is the label of the vertical axis?', mark))
  }
  const yOf = (value: number) => area.bottom - (value / scale.top) * (area.bottom - area.top)
  const hasGrid = dice.chance(0.8)
  for (let value = 0; value <= scale.top + 1e-9; value += scale.step) {
    if (hasGrid || value === 0)
      page.rule(value === 0 ? body.color : gridColor, area.left, yOf(value), area.right, yOf(value))
    page.write(scale.write(value), area.left - body.size * 0.4, yOf(value) + small.size * 0.35, {
      ...small,
      align: 'right',
    })
  }
  const slot = (area.right - area.left) / names.length
  const thick = (slot * dice.float(0.5, 0.8)) / values.length
  const isManyColored = values.length === 1 && dice.chance(0.3)
  const bars = names.flatMap((_, category) =>
    values.map((list, series): Bar => {
      const x = area.left + slot * (category + 0.5) + (series - values.length / 2) * thick
      const y = yOf(list[category]!)
      page.fill(
        palette[isManyColored ? category % palette.length : series]!,
        x,
        y,
        thick * 0.94,
        area.bottom - y,
      )
      return { category, series, value: list[category]!, box: [x, y, x + thick * 0.94, area.bottom] }
    }),
  )
  const labels = names.map((name, i) => {
    const x = area.left + slot * (i + 0.5)
    if (!isTilted) return page.write(name, x, area.bottom + body.size * 1.25, { ...small, align: 'center' })
    page.ctx.save()
    page.ctx.translate(x + body.size * 0.3, area.bottom + body.size * 0.8)
    page.ctx.rotate(-Math.PI / 5)
    const mark = page.write(
      name,
      0,
      0,
      page.fitted(name, Math.min(body.size * 6.5, (x - 8) * 1.1), { ...small, align: 'right' }),
    )
    page.ctx.restore()
    return mark
  })
  return { bars, labels }
}

function lyingBars(
  chart: Chart,
  whole: Area,
  names: readonly string[],
  values: readonly (readonly number[])[],
  scale: Scale,
  dice: Dice,
): Drawn {
  const { page, body, palette, gridColor } = chart
  const small: TextStyle = { ...body, size: body.size * 0.9 }
  const left = whole.left + Math.max(...names.map((name) => page.widthOf(name, small))) + body.size * 0.8
  const area = {
    left,
    top: whole.top,
    right: whole.right - body.size * 2.6,
    bottom: whole.bottom - body.size * 1.5,
  }
  const xOf = (value: number) => area.left + (value / scale.top) * (area.right - area.left)
  for (let value = 0; value <= scale.top + 1e-9; value += scale.step) {
    page.rule(value === 0 ? body.color : gridColor, xOf(value), area.top, xOf(value), area.bottom)
    page.write(scale.write(value), xOf(value), area.bottom + body.size * 1.2, {
      ...small,
      size: small.size * 0.92,
      align: 'center',
    })
  }
  const slot = (area.bottom - area.top) / names.length
  const thick = (slot * dice.float(0.5, 0.8)) / values.length
  const bars = names.flatMap((_, category) =>
    values.map((list, series): Bar => {
      const y = area.top + slot * (category + 0.5) + (series - values.length / 2) * thick
      const x = xOf(list[category]!)
      page.fill(palette[series]!, area.left, y, x - area.left, thick * 0.94)
      return { category, series, value: list[category]!, box: [area.left, y, x, y + thick * 0.94] }
    }),
  )
  const labels = names.map((name, i) =>
    page.write(name, area.left - body.size * 0.5, area.top + slot * (i + 0.5) + small.size * 0.35, {
      ...small,
      align: 'right',
    }),
  )
  return { bars, labels }
}

/** The number at a bar's end. */
function valueLabel({ page, body }: Chart, { value, box }: Bar, scale: Scale, isLying: boolean): Mark {
  const style: TextStyle = { ...body, size: body.size * 0.85, align: isLying ? 'left' : 'center' }
  const text = writeValue(value, scale)
  if (isLying) return page.write(text, box[2] + 5, (box[1] + box[3]) / 2 + style.size * 0.35, style)
  const room = Math.max((box[2] - box[0]) * 1.25, style.size)
  return page.write(text, (box[0] + box[2]) / 2, box[1] - 5, page.fitted(text, room, style))
}

interface Questions {
  readonly names: readonly string[]
  readonly seriesNames: readonly string[]
  readonly bars: readonly Bar[]
  readonly labels: readonly Mark[]
  readonly marks: readonly Mark[] | undefined
  readonly scale: Scale
  readonly dice: Dice
  readonly asked: Asked[]
}

function ask({ names, seriesNames, bars, labels, marks, scale, dice, asked }: Questions): void {
  const label = (bar: Bar) => labels[bar.category]!
  const named = (bar: Bar) =>
    seriesNames.length > 0 ? `${seriesNames[bar.series]!} in ${label(bar).text}` : label(bar).text
  // A little more than the bar, so that its ends lie within.
  const whole = ({ box: [left, top, right, bottom] }: Bar): Mark => ({
    text: '',
    box: [left - 3, top - 3, right + 3, bottom + 3],
  })
  for (const bar of dice.sample(bars, 2)) {
    const question = dice.pick([
      `What is the value of ${named(bar)}?`,
      `How high is the bar of ${named(bar)}?`,
    ])
    const mark = marks?.[bars.indexOf(bar)]
    asked.push(
      mark
        ? readBeside('bar.value', question, label(bar), mark)
        : derived('bar.value', question, writeValue(bar.value, scale), [label(bar), whole(bar)]),
    )
  }
  const sorted = bars.filter(({ series }) => series === 0).toSorted((a, b) => a.value - b.value)
  const of = seriesNames.length > 0 ? ` value of ${seriesNames[0]}` : ' bar'
  const [least, most] = [sorted[0]!, sorted.at(-1)!]
  asked.push(
    derived('bar.highest', `Which category has the highest${of}?`, label(most).text, [
      label(most),
      whole(most),
    ]),
  )
  asked.push(
    derived('bar.lowest', `Which category has the lowest${of}?`, label(least).text, [
      label(least),
      whole(least),
    ]),
  )
  if (marks && seriesNames.length === 0) {
    const [a, b] = dice.sample(bars, 2) as [Bar, Bar]
    const [high, low] = a.value > b.value ? [a, b] : [b, a]
    const difference = writeValue(high.value - low.value, scale)
    asked.push(
      derived(
        'bar.difference',
        `By how much is ${label(high).text} higher than ${label(low).text}?`,
        difference,
        [marks[bars.indexOf(high)]!, marks[bars.indexOf(low)]!],
      ),
    )
  }
  asked.push(derived('bar.count', 'How many categories are shown?', String(names.length), labels))
}
