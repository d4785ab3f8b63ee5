import { homedir } from 'node:os'
import { join } from 'node:path'
import { InputError } from '../tensor/errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where Panoptes keeps what it can make again: PANOPTES_CACHE, else XDG_CACHE_HOME/panoptes, else ~/.cache/panoptes. */
export function cacheFolder(env: Environment = process.env): string {
  return env.PANOPTES_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'panoptes')
}

/** Where quantised and computed weights are kept. */
export function weightFolderOfCache(env: Environment = process.env): string {
  return join(cacheFolder(env), 'weights')
}

/** A 2 B model takes 4 GB in int8 and int4 together, a 7 B model 12 GB. */
const usualLimitGb = 20

/**
 * The most that kept weights may take together: PANOPTES_CACHE_GB gigabytes (10⁹ bytes), 20 by default.
 * @throws InputError `option-value`
 */
export function cacheLimitBytes(env: Environment = process.env): number {
  const text = env.PANOPTES_CACHE_GB?.trim() || undefined
  const gigabytes = text === undefined ? usualLimitGb : Number(text)
  if (!(gigabytes > 0 && Number.isFinite(gigabytes)))
    throw new InputError(
      'option-value',
      `PANOPTES_CACHE_GB is '${text}'; it must be a number of gigabytes above 0, such as 20 (the default) or 0.5.`,
      { found: text },
    )
  return gigabytes * 1e9
}
