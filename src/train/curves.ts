import { readFile } from 'node:fs/promises'
import type { StepLog } from './trainer.ts'

const size = { width: 900, height: 420, left: 70, right: 20, top: 40, bottom: 50 }

/** The loss over all steps of a run as an SVG: each step as a dot, their running mean as a line, stages apart. */
export async function curvesSvg(logPath: string): Promise<string> {
  const text = await readFile(logPath, 'utf8')
  const steps = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as StepLog)
  return drawCurves(steps)
}

/** As `curvesSvg`, of entries. */
export function drawCurves(steps: readonly StepLog[]): string {
  const highest = steps.reduce((most, { loss }) => Math.max(most, loss), 0) || 1
  const { width, height, left, right, top, bottom } = size
  const x = (i: number): number => left + ((width - left - right) * i) / Math.max(1, steps.length - 1)
  const y = (loss: number): number => height - bottom - ((height - top - bottom) * loss) / highest
  const dots = steps.map(({ loss }, i) => `<circle cx="${fixed(x(i))}" cy="${fixed(y(loss))}" r="1.2"/>`)
  const mean = runningMean(steps.map(({ loss }) => loss))
  const line = mean.map((loss, i) => `${i === 0 ? 'M' : 'L'}${fixed(x(i))} ${fixed(y(loss))}`).join('')
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = fixed(y(share * highest))
    return (
      `<path d="M${left} ${at}H${width - right}" stroke="#ddd"/>` +
      `<text x="${left - 8}" y="${at}" text-anchor="end" dy="4">${(share * highest).toPrecision(3)}</text>`
    )
  })
  const stages = steps.flatMap(({ stage }, i) =>
    i > 0 && steps[i - 1]!.stage === stage
      ? []
      : [
          `<path d="M${fixed(x(i))} ${top}V${height - bottom}" stroke="#999" stroke-dasharray="3"/>` +
            `<text x="${fixed(x(i) + 4)}" y="${top - 8}">${escaped(stage)}</text>`,
        ],
  )
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" ` +
    `font-size="12" fill="#333"><title>Training loss</title><rect width="100%" height="100%" fill="#fff"/>${ticks.join('')}${stages.join('')}` +
    `<g fill="#9bbfe0">${dots.join('')}</g><path d="${line}" fill="none" stroke="#0b62b8" stroke-width="1.6"/>` +
    `<text x="${width - right}" y="${height - 16}" text-anchor="end">${steps.length} steps</text>` +
    `<text x="${left}" y="${height - 16}">loss (dots: steps, line: running mean)</text></svg>\n`
  )
}

/** An exponential mean whose memory is a fiftieth of the run, without the pull of its beginning. */
function runningMean(values: readonly number[]): number[] {
  const keep = 1 - 1 / Math.max(2, values.length / 50)
  let [sum, weight] = [0, 0]
  return values.map((value) => {
    sum = keep * sum + value
    weight = keep * weight + 1
    return sum / weight
  })
}

function fixed(value: number): string {
  return value.toFixed(1)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
