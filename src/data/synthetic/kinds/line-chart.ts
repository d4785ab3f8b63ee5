import {
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
import { type Compose, derived, read, readBeside } from '../kind.ts'
import type { Mark, TextStyle } from '../page.ts'

interface Spot {
  readonly series: number
  readonly at: number
  readonly value: number
  readonly mark: Mark
}

/** One to three lines over years, months or other steps. */
export const lineChart: Compose = (dice, fonts) => {
  const chart = chartFrame(dice, fonts, 'line')
  const { page, words, body, asked, gridColor } = chart
  const series = Number(dice.weighted({ 1: 5, 2: 3, 3: 2 }))
  const names = categoryNames(dice, words, dice.int(5, 10), true)
  const scale = chartScale(dice)
  const values = Array.from({ length: series }, () => course(dice, scale, names.length))
  const small: TextStyle = { ...body, size: body.size * 0.9 }
  const whole = chart.area
  const seriesNames = dice.distinct(series, () => capital(words.shortNoun()))
  let top = whole.top + body.size * 0.6
  const namesAtEnd = series > 1 && dice.chance(0.35)
  if (series > 1 && !namesAtEnd) {
    const wide = legendWidth(chart, seriesNames)
    legend(
      chart,
      seriesNames,
      chart.palette,
      Math.max(whole.left, (whole.left + whole.right - wide) / 2),
      top,
    )
    top += body.size * 1.5
  }
  const endRoom = namesAtEnd
    ? Math.max(...seriesNames.map((name) => page.widthOf(name, small))) + 14
    : body.size
  const axisWord = dice.chance(0.45) ? capital(words.noun()) : undefined
  const area = {
    left: whole.left + page.widthOf(scale.write(scale.top), small) + body.size * 0.8,
    right: whole.right - endRoom,
    top,
    bottom: whole.bottom - body.size * (axisWord ? 3 : 1.7),
  }
  const xOf = (i: number) => area.left + ((i + 0.3) / (names.length - 0.4)) * (area.right - area.left)
  const yOf = (value: number) => area.bottom - (value / scale.top) * (area.bottom - area.top)
  const hasVertical = dice.chance(0.3)
  for (let value = 0; value <= scale.top + 1e-9; value += scale.step) {
    page.rule(value === 0 ? body.color : gridColor, area.left, yOf(value), area.right, yOf(value))
    page.write(scale.write(value), area.left - body.size * 0.4, yOf(value) + small.size * 0.35, {
      ...small,
      align: 'right',
    })
  }
  const room = ((area.right - area.left) / names.length) * 0.9
  const labels = names.map((name, i) => {
    if (hasVertical) page.rule(gridColor, xOf(i), area.top, xOf(i), area.bottom)
    return page.write(
      name,
      xOf(i),
      area.bottom + body.size * 1.25,
      page.fitted(name, room, { ...small, align: 'center' }),
    )
  })
  if (axisWord) {
    const mark = page.write(axisWord, (area.left + area.right) / 2, area.bottom + body.size * 2.6, {
      ...small,
      align: 'center',
    })
    asked.push(read('line.axis', 'What is the label of the horizontal axis?', mark))
  }
  const spots = drawLines(chart, values, xOf, yOf, area.bottom, dice)
  if (namesAtEnd)
    for (const [i, name] of seriesNames.entries())
      page.write(name, area.right + 8, yOf(values[i]!.at(-1)!) + small.size * 0.35, {
        ...small,
        color: chart.palette[i]!,
      })
  const numbers =
    series === 1 && dice.chance(0.4) ? spots.map((spot) => number(chart, spot, scale)) : undefined

  const named = (spot: Spot) =>
    series > 1 ? `${seriesNames[spot.series]!} in ${labels[spot.at]!.text}` : labels[spot.at]!.text
  for (const spot of dice.sample(spots, 2)) {
    const question = dice.pick([
      `What is the value of ${named(spot)}?`,
      `Which value does the line have at ${named(spot)}?`,
    ])
    const mark = numbers?.[spots.indexOf(spot)]
    asked.push(
      mark
        ? readBeside('line.value', question, labels[spot.at]!, mark)
        : derived('line.value', question, writeValue(spot.value, scale), [labels[spot.at]!, spot.mark]),
    )
  }
  const chosen = dice.int(0, series - 1)
  const own = spots.filter((spot) => spot.series === chosen).toSorted((a, b) => a.value - b.value)
  const of = series > 1 ? `${seriesNames[chosen]!} ` : 'the line '
  const [least, most] = [own[0]!, own.at(-1)!]
  asked.push(
    derived('line.peak', `Where is ${of}highest?`, labels[most.at]!.text, [labels[most.at]!, most.mark]),
  )
  asked.push(
    derived('line.low', `Where is ${of}lowest?`, labels[least.at]!.text, [labels[least.at]!, least.mark]),
  )
  if (series > 1) {
    const at = dice.int(0, names.length - 1)
    const there = spots.filter((spot) => spot.at === at).toSorted((a, b) => b.value - a.value)
    if (there[0]!.value > there[1]!.value)
      asked.push(
        derived(
          'line.above',
          `Which line is highest in ${labels[at]!.text}?`,
          seriesNames[there[0]!.series]!,
          [labels[at]!, there[0]!.mark],
        ),
      )
    asked.push(
      derived(
        'line.count',
        'How many lines are shown?',
        String(series),
        spots.map(({ mark }) => mark),
      ),
    )
  }
  return { page, subject: chart.subject, asked }
}

/** Different values that wander, not jump: each within some steps of the one before. */
function course(dice: Dice, scale: Scale, count: number): number[] {
  const values = chartValues(dice, scale, count)
  if (dice.chance(0.4)) return values
  const sorted = values.toSorted((a, b) => a - b)
  if (dice.chance(0.5)) sorted.reverse()
  // A rise or fall with two of its values exchanged.
  const [i, j] = [dice.int(0, count - 1), dice.int(0, count - 1)]
  const held = sorted[i]!
  sorted[i] = sorted[j]!
  sorted[j] = held
  return sorted
}

function drawLines(
  { page, palette, background }: Chart,
  values: readonly (readonly number[])[],
  xOf: (i: number) => number,
  yOf: (value: number) => number,
  bottom: number,
  dice: Dice,
): Spot[] {
  const { ctx } = page
  const thick = dice.float(2, 4.5)
  const marker = dice.pick(['disc', 'square', 'ring', 'disc'] as const)
  const fillsBelow = values.length === 1 && dice.chance(0.25)
  return values.flatMap((list, series) => {
    const color = palette[series]!
    ctx.beginPath()
    for (const [i, value] of list.entries()) ctx.lineTo(xOf(i), yOf(value))
    ctx.strokeStyle = color
    ctx.lineWidth = thick
    ctx.stroke()
    if (fillsBelow) {
      ctx.lineTo(xOf(list.length - 1), bottom)
      ctx.lineTo(xOf(0), bottom)
      ctx.globalAlpha = 0.18
      ctx.fillStyle = color
      ctx.fill()
      ctx.globalAlpha = 1
    }
    return list.map((value, at): Spot => {
      const [x, y] = [xOf(at), yOf(value)]
      const radius = thick * 1.6
      ctx.fillStyle = color
      ctx.beginPath()
      if (marker === 'square') ctx.rect(x - radius, y - radius, 2 * radius, 2 * radius)
      else ctx.arc(x, y, radius, 0, 7)
      ctx.fill()
      if (marker === 'ring') {
        ctx.fillStyle = background
        ctx.beginPath()
        ctx.arc(x, y, radius * 0.55, 0, 7)
        ctx.fill()
      }
      return { series, at, value, mark: { text: '', box: [x - 9, y - 9, x + 9, y + 9] } }
    })
  })
}

/** The value above a marker. */
function number({ page, body }: Chart, { value, mark }: Spot, scale: Scale): Mark {
  const [left, top, right] = mark.box
  return page.write(writeValue(value, scale), (left + right) / 2, top - 2, {
    ...body,
    size: body.size * 0.8,
    align: 'center',
  })
}
