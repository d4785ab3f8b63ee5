import type { Interval } from './intervals.ts'

/** The 97.5 % points of Student's t distribution with 1 to 10 degrees of freedom. */
const small = [12.7062, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.306, 2.26216, 2.22814]

/** The mean of a few independent values, such as one a seed, and how sure it is. */
export interface MeanInterval {
  readonly mean: number
  /** Student's t interval with 95 % confidence; absent for a single value, which says nothing of its spread. */
  readonly interval: Interval | undefined
}

/** The mean and its 95 % confidence interval by Student's t. NaN of no values. */
export function meanInterval(values: readonly number[]): MeanInterval {
  const n = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  if (n < 2) return { mean, interval: undefined }
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const half = studentT(n - 1) * Math.sqrt(squares / (n - 1) / n)
  return { mean, interval: [mean - half, mean + half] }
}

/**
 * The 97.5 % point of Student's t. Above 10 degrees of freedom by its expansion around the normal distribution's, within
 * 2e-4. Source: Abramowitz and Stegun, 26.7.5.
 */
function studentT(freedom: number): number {
  const known = small[freedom - 1]
  if (known !== undefined) return known
  const z = 1.959963984540054
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  )
}
