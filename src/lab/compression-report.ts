import { characterErrorRate, type ReadingErrors, readingErrors } from '../eval/character-error-rate.ts'
import { bootstrapInterval, type Interval } from '../eval/intervals.ts'
import { type CompressedReading, type CompressionResult, keepRatios } from './compression.ts'
import { intervalChart } from './interval-chart.ts'
import { nothingRead, percentage, points, readingFloor, table } from './report-words.ts'
import { wordsRead } from './words-read.ts'

/** A statistic of all pages and its interval. */
interface KeepInterval {
  readonly mean: number
  readonly interval: Interval
}

/** One keep ratio over all pages that were read at every ratio; intervals by bootstrap over pages. */
export interface KeepScores {
  readonly keep: CompressedReading['keep']
  readonly words: KeepInterval
  /** Words read more than without compression, page by page. */
  readonly gained: KeepInterval
  readonly errors: KeepInterval
  readonly promptTokens: number
  /** Seconds until the first token, and those of its parts: medians over pages. */
  readonly first: KeepInterval
  readonly compress: number
  readonly prefill: number
}

/** A reading with its scores, made once: intervals draw it thousands of times. */
interface Scored {
  readonly reading: CompressedReading
  readonly wordsRead: number
  readonly errors: ReadingErrors
}

/** A page at one ratio and without compression. */
type Pair = readonly [here: Scored, whole: Scored]

/** The scores of every ratio, the last one without compression. */
export function scoreCompression({ readings }: CompressionResult): KeepScores[] {
  const keeps = [...keepRatios, 'none'] as const
  const byKeep = new Map(keeps.map((keep) => [keep, new Map<number, Scored>()]))
  for (const reading of readings) byKeep.get(reading.keep)?.set(reading.index, scored(reading))
  const whole = byKeep.get('none')!
  const indices = [...whole.keys()].filter((index) => keeps.every((keep) => byKeep.get(keep)!.has(index)))
  return keeps.map((keep) => {
    const pairs = indices.map((index): Pair => [byKeep.get(keep)!.get(index)!, whole.get(index)!])
    const here = pairs.map(([one]) => one.reading)
    return {
      keep,
      words: sure(pairs, (some) => share(some.map(([one]) => one))),
      gained: sure(pairs, (some) => share(some.map(([one]) => one)) - share(some.map(([, all]) => all))),
      errors: sure(pairs, (some) => characterErrorRate(some.map(([one]) => one.errors))),
      promptTokens: mean(here.map(({ promptTokens }) => promptTokens)),
      first: sure(pairs, (some) => median(some.map(([one]) => one.reading.seconds.first))),
      compress: median(here.map(({ seconds }) => seconds.compress)),
      prefill: median(here.map(({ seconds }) => seconds.prefill)),
    }
  })
}

function scored(reading: CompressedReading): Scored {
  const { words, given } = reading
  const read = wordsRead(words, given).filter(Boolean).length
  return { reading, wordsRead: read, errors: readingErrors({ expected: words.join(' '), given }) }
}

/** A statistic of pages with its bootstrap interval. */
function sure(pairs: readonly Pair[], statistic: (pairs: readonly Pair[]) => number): KeepInterval {
  return { mean: statistic(pairs), interval: bootstrapInterval(pairs, statistic) }
}

function share(pages: readonly Scored[]): number {
  let [read, all] = [0, 0]
  for (const { wordsRead, reading } of pages) {
    read += wordsRead
    all += reading.words.length
  }
  return read / all
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** A page that a busy machine held up does not move it. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2
}

/** What compression costs and saves, as Markdown. `figure` is the file that the text shows. */
export function compressionReport(result: CompressionResult, figure: string): string {
  const scores = scoreCompression(result)
  const heads = [
    ...['keep ratio', 'prompt tokens', 'words read', 'against no compression', 'character errors'],
    ...['s to first token', 'of it pre-pass', 'of it prefill'],
  ]
  const rows = scores.map((one) => [
    one.keep === 'none' ? 'no compression' : one.keep.toFixed(1),
    one.promptTokens.toFixed(0),
    percentage(one.words),
    one.keep === 'none' ? '' : points(one.gained),
    percentage(one.errors),
    `${one.first.mean.toFixed(2)} [${one.first.interval.map((end) => end.toFixed(2)).join(', ')}]`,
    one.compress.toFixed(2),
    one.prefill.toFixed(2),
  ])
  return (
    `${result.pages} pages; seconds are medians; 95 % intervals by bootstrap over pages.\n\n` +
    `![Words read and seconds to the first token, by keep ratio](${figure})\n\n${table(heads, rows)}\n\n${conclusion(scores)}\n`
  )
}

/** The smallest ratio whose loss cannot be told from chance, and what it saves. */
function conclusion(scores: readonly KeepScores[]): string {
  const whole = scores.at(-1)!
  if (whole.words.mean < readingFloor) return nothingRead(whole.words.mean)
  const enough = scores.find(({ keep, gained }) => keep !== 'none' && gained.interval[1] >= 0)
  if (!enough || enough.keep === 'none') return '- At every ratio words are lost, beyond chance.'
  const saved = whole.first.mean - enough.first.mean
  const against = saved > 0 ? `saves ${saved.toFixed(2)} s of` : `costs ${(-saved).toFixed(2)} s beside`
  return (
    `- The smallest ratio at which no loss of words can be told from chance is ${enough.keep.toFixed(1)} ` +
    `(${points(enough.gained)}); it ${against} ${whole.first.mean.toFixed(2)} s to the first token.`
  )
}

/** Words read, and below them seconds to the first token, by keep ratio. */
export function compressionFigure(result: CompressionResult): string {
  const scores = scoreCompression(result)
  const categories = scores.map(({ keep }) => (keep === 'none' ? 'none' : keep.toFixed(1)))
  const longest = Math.ceil(2 * Math.max(...scores.map(({ first }) => first.interval[1]))) / 2
  const panel = (title: string, values: readonly KeepInterval[]) => ({
    ...{ title, categories, series: [{ name: title, values }] },
  })
  return intervalChart('Words read and seconds to the first token, by keep ratio', [
    panel(
      'Words read, by keep ratio',
      scores.map(({ words }) => words),
    ),
    {
      ...panel(
        'Seconds to the first token, by keep ratio',
        scores.map(({ first }) => first),
      ),
      axis: { most: longest, label: (value) => `${value.toFixed(2)} s` },
    },
  ])
}
