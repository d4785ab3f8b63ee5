import { categoryNames, chartFrame } from '../chart.ts'
import type { Dice } from '../dice.ts'
import { type Compose, derived, readBeside } from '../kind.ts'
import type { Mark, TextStyle } from '../page.ts'

/** A pie or a ring, its parts named beside them or in a list. */
export const pieChart: Compose = (dice, fonts) => {
  const chart = chartFrame(dice, fonts, 'pie')
  const { page, words, body, palette, asked, area, background } = chart
  const { ctx } = page
  const names = categoryNames(dice, words, dice.int(3, 7), false)
  const shares = partition(dice, names.length)
  const hasList = dice.chance(0.55)
  const small: TextStyle = { ...body, size: body.size * 0.95 }
  const listWidth = hasList
    ? Math.max(...names.map((name) => page.widthOf(name, small))) + body.size * 2.4
    : 0
  const isListLeft = hasList && dice.chance(0.3)
  const roomLeft = area.left + (isListLeft ? listWidth : 0)
  const roomRight = area.right - (hasList && !isListLeft ? listWidth : 0)
  const x = (roomLeft + roomRight) / 2
  const y = (area.top + area.bottom) / 2
  const half = Math.min(roomRight - roomLeft, area.bottom - area.top) / 2
  const radius = half * (hasList ? 0.92 : 0.72)
  const hole = dice.chance(0.35) ? radius * dice.float(0.42, 0.6) : 0
  const gap = dice.pick([0, 0, 2, 3])
  const shown = dice.weighted({ inside: 5, none: 3 })
  let angle = dice.float(0, 2 * Math.PI)
  const parts = names.map((name, i) => {
    const from = angle
    const to = from + (shares[i]! / 100) * 2 * Math.PI
    angle = to
    const middle = (from + to) / 2
    ctx.fillStyle = palette[i % palette.length]!
    ctx.beginPath()
    ctx.moveTo(x, y)
    ctx.arc(x, y, radius, from, to)
    ctx.closePath()
    ctx.fill()
    if (gap > 0) {
      ctx.strokeStyle = background
      ctx.lineWidth = gap
      ctx.stroke()
    }
    return { name, share: shares[i]!, middle, slice: sliceMark(x, y, radius, from, to) }
  })
  if (hole > 0) {
    ctx.fillStyle = background
    ctx.beginPath()
    ctx.arc(x, y, hole, 0, 7)
    ctx.fill()
  }
  const labels = parts.map(({ name, middle }, i): Mark => {
    if (hasList) {
      const left = isListLeft ? area.left : roomRight + body.size * 0.4
      const line = body.size * 1.7
      const top = y - ((parts.length - 1) * line) / 2 + i * line
      page.fill(
        palette[i % palette.length]!,
        left,
        top - small.size * 0.7,
        small.size * 0.8,
        small.size * 0.8,
      )
      return page.write(name, left + small.size * 1.15, top, small)
    }
    const [dx, dy] = [Math.cos(middle), Math.sin(middle)]
    page.rule(
      body.color,
      x + dx * radius * 0.98,
      y + dy * radius * 0.98,
      x + dx * radius * 1.08,
      y + dy * radius * 1.08,
    )
    const align = dx > 0.25 ? 'left' : dx < -0.25 ? 'right' : 'center'
    return page.write(name, x + dx * radius * 1.12, y + dy * radius * 1.14 + small.size * 0.35, {
      ...small,
      align,
    })
  })
  const percents = parts.map(({ share, middle }, i) => {
    if (shown === 'none') return undefined
    const at = hole > 0 ? (radius + hole) / 2 : radius * 0.68
    const color = isLight(palette[i % palette.length]!) ? '#1c1c1c' : '#ffffff'
    const size = Math.min(body.size, share * radius * 0.026 + 6)
    return page.write(`${share}%`, x + Math.cos(middle) * at, y + Math.sin(middle) * at + size * 0.35, {
      ...body,
      size,
      color,
      face: 'bold',
      align: 'center',
    })
  })
  for (const i of dice.sample(
    parts.map((_, index) => index),
    2,
  )) {
    const question = dice.pick([
      `What is the share of ${names[i]}?`,
      `How many percent does ${names[i]} have?`,
    ])
    const percent = percents[i]
    asked.push(
      percent
        ? readBeside('pie.share', question, labels[i]!, percent)
        : derived('pie.share', question, `${shares[i]}%`, [labels[i]!, parts[i]!.slice]),
    )
  }
  const order = shares.map((_, i) => i).toSorted((a, b) => shares[a]! - shares[b]!)
  // Without numbers, parts that differ by less than three in a hundred look alike.
  const isClear = (a: number, b: number) => shown === 'inside' || Math.abs(shares[a]! - shares[b]!) >= 3
  const extreme = (form: string, question: string, i: number) =>
    asked.push(derived(form, question, labels[i]!.text, [labels[i]!, parts[i]!.slice]))
  if (isClear(order.at(-1)!, order.at(-2)!))
    extreme('pie.largest', 'Which part is the largest?', order.at(-1)!)
  if (isClear(order[0]!, order[1]!)) extreme('pie.smallest', 'Which part is the smallest?', order[0]!)
  asked.push(
    derived(
      'pie.count',
      'How many parts does the chart have?',
      String(names.length),
      parts.map(({ slice }) => slice),
    ),
  )
  return { page, subject: chart.subject, asked }
}

/** Different whole percentages of 100, none below 4. */
function partition(dice: Dice, count: number): number[] {
  for (;;) {
    const weights = Array.from({ length: count }, () => dice.float(0.25, 1.6) ** 1.4)
    const total = weights.reduce((a, b) => a + b)
    const shares = weights.map((weight) => Math.max(4, Math.round((weight / total) * 100)))
    shares[0]! += 100 - shares.reduce((a, b) => a + b)
    if (shares[0]! >= 4 && new Set(shares).size === count) return shares
  }
}

/** The box around a slice. */
function sliceMark(x: number, y: number, radius: number, from: number, to: number): Mark {
  const xs = [x]
  const ys = [y]
  for (let i = 0; i <= 24; i++) {
    const angle = from + ((to - from) * i) / 24
    xs.push(x + radius * Math.cos(angle))
    ys.push(y + radius * Math.sin(angle))
  }
  return { text: '', box: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] }
}

/** Whether dark letters read better on a `#rrggbb` colour. Source: ITU-R BT.601 luma. */
function isLight(color: string): boolean {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)) as [
    number,
    number,
    number,
  ]
  return 0.299 * r + 0.587 * g + 0.114 * b > 150
}
