import { seededRandom } from '../generate/random.ts'

/** From below to above, with 95 % confidence. */
export type Interval = readonly [low: number, high: number]

/** The 97.5 % point of the normal distribution. */
const z = 1.959963984540054

/**
 * Wilson's score interval of a share: `right` of `asked` independent questions. Unlike mean ± 2 standard errors it stays
 * within 0 and 1 and has a width at 0 and 1. All of [0, 1] where nothing was asked.
 * Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
 */
export function wilsonInterval(right: number, asked: number): Interval {
  if (asked === 0) return [0, 1]
  const share = right / asked
  const scale = 1 + (z * z) / asked
  const middle = (share + (z * z) / (2 * asked)) / scale
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / asked + (z * z) / (4 * asked * asked))
  // At no and at all right answers one end is exact, where rounding would miss it.
  return [right === 0 ? 0 : middle - half, right === asked ? 1 : middle + half]
}

/** How often a bootstrap draws: the ends then have a standard error of about 2 % of the interval's width. */
const draws = 2000

/**
 * The percentile bootstrap interval of any statistic of a corpus: the statistic of as many samples, drawn with
 * replacement, over and over. The same seed gives the same interval. [NaN, NaN] of no samples.
 * Source: B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3.
 */
export function bootstrapInterval<T>(
  samples: readonly T[],
  statistic: (samples: readonly T[]) => number,
  seed = 0,
): Interval {
  if (samples.length === 0) return [Number.NaN, Number.NaN]
  const random = seededRandom(seed)
  const values = Float64Array.from({ length: draws }, () =>
    statistic(samples.map(() => samples[Math.floor(random() * samples.length)]!)),
  ).sort()
  return [values[Math.floor(0.025 * draws)]!, values[Math.ceil(0.975 * draws) - 1]!]
}
