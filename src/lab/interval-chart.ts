import type { MeanInterval } from '../eval/mean-interval.ts'
import { distinctColours } from '../image/svg-shapes.ts'
import { type Axis, drawAxis, escaped, fixed, frame, shares } from './chart-parts.ts'

/** Categories side by side, for each a point with its interval in every series. */
export interface IntervalPanel {
  readonly title: string
  readonly categories: readonly string[]
  readonly series: readonly { readonly name: string; readonly values: readonly MeanInterval[] }[]
  /** Of shares by default. */
  readonly axis?: Axis
}

const panelHeight = 320
const plot = { left: 70, right: 20, top: 50, bottom: 50 }
const width = 760

/** Means and their intervals as an SVG, panel below panel. */
export function intervalChart(title: string, panels: readonly IntervalPanel[]): string {
  const drawn = panels.map(
    (panel, i) => `<g transform="translate(0 ${i * panelHeight})">${drawPanel(panel)}</g>`,
  )
  return frame(title, width, Math.max(1, panels.length) * panelHeight, drawn.join(''))
}

function drawPanel({ title, categories, series, axis = shares }: IntervalPanel): string {
  const area = {
    ...plot,
    width: width - plot.left - plot.right,
    height: panelHeight - plot.top - plot.bottom,
  }
  const y = (value: number) => area.top + area.height * (1 - Math.min(1, Math.max(0, value / axis.most)))
  const slot = area.width / categories.length
  const labels = categories.map(
    (name, i) =>
      `<text x="${fixed(area.left + (i + 0.5) * slot)}" y="${panelHeight - 26}" text-anchor="middle">${escaped(name)}</text>`,
  )
  const points = series.map(({ values }, s) => {
    const drawn = values.map(({ mean, interval }, i) => {
      const x = fixed(area.left + (i + 0.5 + (s - (series.length - 1) / 2) * 0.22) * slot)
      const whisker = interval
        ? `<path d="M${x} ${fixed(y(interval[0]))}V${fixed(y(interval[1]))}" stroke-width="2"/>`
        : ''
      return `${whisker}<circle cx="${x}" cy="${fixed(y(mean))}" r="4.5"/>`
    })
    const colour = distinctColours[s]!
    return `<g fill="${colour}" stroke="${colour}">${drawn.join('')}</g>`
  })
  // The title tells what one series alone is.
  const named = series.length > 1 ? series : []
  const legend = named.map(({ name }, s) => {
    const x = area.left + 180 + s * 220
    return `<circle cx="${x}" cy="28" r="4.5" fill="${distinctColours[s]}"/><text x="${x + 10}" y="32">${escaped(name)}</text>`
  })
  return (
    `<text x="${area.left}" y="32" font-weight="bold">${escaped(title)}</text>${legend.join('')}` +
    `${drawAxis(area, axis)}${labels.join('')}${points.join('')}`
  )
}
