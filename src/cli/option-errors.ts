import { InputError } from '../tensor/errors.ts'
import { flagName } from './flag-name.ts'
import { UsageError } from './usage-error.ts'

const optionCodes = /^(tiling-|option-|unknown-option$|keep-ratio$)/

/** What the library calls these, and how they are written on the command line. */
const flags: Readonly<Record<string, string>> = {
  'detailed.min': '--min-tiles',
  'detailed.max': '--max-tiles',
  'adaptive.min': '--min-adaptive',
  'adaptive.max': '--max-adaptive',
  usesThumbnail: '--no-thumbnail',
  usesGlobal: '--no-global',
  keepsSize: '--keep-size',
}

/** What `run` gives; the library's errors about options become usage errors in the command line's words. */
export async function inFlagWords<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof InputError) || !optionCodes.test(error.code)) throw error
    throw new UsageError(withFlags(error.message, error.data.option))
  }
}

function withFlags(message: string, option: unknown): string {
  let words = message
  for (const [name, flag] of Object.entries(flags)) words = words.replaceAll(name, flag)
  words = words.replace(/\b[a-z]+[A-Z]\w*/g, (name) => flagName(name))
  if (typeof option !== 'string' || !/^[a-z]+$/.test(option)) return words
  const flag = flagName(option === 'compression' ? 'compress' : option)
  return words.replace(new RegExp(`(?<![\\w-])${option}\\b`), flag)
}
