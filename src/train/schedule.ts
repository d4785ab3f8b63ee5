import { InputError } from '../tensor/errors.ts'

/** How the learning rate goes from its peak to the end. */
export type Schedule = 'constant' | 'linear' | 'cosine'

export interface ScheduleOptions {
  readonly schedule: Schedule
  /** The peak. */
  readonly learningRate: number
  readonly steps: number
  /** Steps over which the rate rises from 0. */
  readonly warmupSteps?: number
  /** Where a decaying schedule ends; 0 by default. */
  readonly finalRate?: number
}

/**
 * The learning rate of step 1, 2, … `steps`, as transformers counts it: step s uses the rate of s − 1 finished steps,
 * so that the first step of a warm-up moves nothing.
 * @throws InputError `schedule` for a warm-up that is longer than the run
 */
export function learningRate(step: number, options: ScheduleOptions): number {
  const { schedule, learningRate: peak, steps, warmupSteps = 0, finalRate = 0 } = options
  if (warmupSteps > steps)
    throw new InputError(
      'schedule',
      `The warm-up takes ${warmupSteps} steps, but the stage has only ${steps}. Shorten it, or train longer.`,
      { warmupSteps, steps },
    )
  const done = step - 1
  if (done < warmupSteps) return (peak * done) / warmupSteps
  if (schedule === 'constant') return peak
  const progress = Math.min(1, (done - warmupSteps) / Math.max(1, steps - warmupSteps))
  const left = schedule === 'linear' ? 1 - progress : (1 + Math.cos(Math.PI * progress)) / 2
  return finalRate + (peak - finalRate) * left
}
