import { InputError } from '../tensor/errors.ts'
import type { TileRange } from './grid.ts'

/** Above this a grid search would take seconds and a plan gigabytes; the largest published setting is 40. */
const MOST_TILES = 4096

/** @throws InputError `tiling-option` with what was found and what is accepted. */
export function refuseOption(strategy: string, option: string, found: unknown, expected: string): never {
  throw new InputError(
    'tiling-option',
    `The ${strategy} tiling cannot use ${option} = ${JSON.stringify(found)}. Give ${expected}.`,
    { strategy, option, found, expected },
  )
}

/** The value or its default, a whole number within the bounds. @throws InputError `tiling-option` */
export function wholeNumber(
  strategy: string,
  option: string,
  value: number | undefined,
  fallback: number,
  most = MOST_TILES,
): number {
  const number = value ?? fallback
  if (!Number.isInteger(number) || number < 1 || number > most)
    refuseOption(strategy, option, number, `a whole number from 1 to ${most}`)
  return number
}

/** A range of tile counts. @throws InputError `tiling-option` */
export function tileRange(
  strategy: string,
  minName: string,
  min: number,
  maxName: string,
  max: number,
): TileRange {
  wholeNumber(strategy, minName, min, 1)
  wholeNumber(strategy, maxName, max, 1)
  if (min > max) refuseOption(strategy, minName, min, `at most ${maxName}, which is ${max}`)
  return { min, max }
}

/**
 * Every option must be one that the strategy knows.
 * @throws InputError `tiling-unknown-option` that lists the known ones.
 */
export function knownOptions(strategy: string, options: object, known: readonly string[]): void {
  for (const option of Object.keys(options))
    if (option !== 'strategy' && !known.includes(option))
      throw new InputError(
        'tiling-unknown-option',
        `The ${strategy} tiling has no option ${option}. It has ${known.join(', ')}.`,
        { strategy, option, known },
      )
}

/** Tile sides: 448 in InternVL2 and Mini-Monkey, 336 in LLaVA. */
export function tileSide(strategy: string, value: number | undefined, fallback = 448): number {
  return wholeNumber(strategy, 'tileSize', value, fallback, 16_384)
}
