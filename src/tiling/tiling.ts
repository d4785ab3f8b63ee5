import type { Size } from '../image/rgb-image.ts'
import { InputError } from '../tensor/errors.ts'
import { type AnyResOptions, planAnyRes } from './any-res.ts'
import { type DynamicOptions, planDynamic } from './dynamic.ts'
import { type FixedOptions, planFixed } from './fixed.ts'
import { type MsacOptions, planMsac } from './msac.ts'
import { type OverlappingOptions, planOverlapping } from './overlapping.ts'
import type { TilePlan } from './plan.ts'
import { planS2, type S2Options } from './s2.ts'
import { planSingle, type SingleOptions } from './single.ts'
import { planSquare, type SquareOptions } from './square.ts'

/** A strategy by name, and its own options. */
export type TilingOptions =
  | SingleOptions
  | SquareOptions
  | DynamicOptions
  | AnyResOptions
  | FixedOptions
  | OverlappingOptions
  | S2Options
  | MsacOptions

export type TilingStrategy = TilingOptions['strategy']

/** The names of the strategies. */
export const tilingStrategies = [
  'single',
  'square',
  'dynamic',
  'anyres',
  'fixed',
  'overlapping',
  's2',
  'msac',
] as const

/**
 * How a picture of this size is cut, by arithmetic alone: no pixel is read, and the plan is plain JSON.
 * @throws InputError `tiling-strategy`; those of the strategy, such as `tiling-option` and
 * `tiling-unknown-option`.
 */
export function planTiles(size: Size, options: TilingOptions): TilePlan {
  switch (options.strategy) {
    case 'single':
      return planSingle(size, options)
    case 'dynamic':
      return planDynamic(size, options)
    case 'square':
      return planSquare(size, options)
    case 'anyres':
      return planAnyRes(size, options)
    case 'fixed':
      return planFixed(size, options)
    case 'overlapping':
      return planOverlapping(size, options)
    case 's2':
      return planS2(size, options)
    case 'msac':
      return planMsac(size, options)
    default:
      return refuseStrategy(options)
  }
}

/** Reached only from untyped callers: recipes, requests. */
function refuseStrategy(options: never): never {
  const { strategy } = options as { strategy?: unknown }
  throw new InputError(
    'tiling-strategy',
    `There is no tiling strategy ${JSON.stringify(strategy)}. Take one of ${tilingStrategies.join(', ')}.`,
    { strategy, known: tilingStrategies },
  )
}
