import { CommanderError } from 'commander'
import { AbortError, PanoptesError } from '../tensor/errors.ts'
import { UsageError } from './usage-error.ts'
import { printable } from './words.ts'

/** 0 done, 1 failed, 2 wrong usage, 130 stopped by the user. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof UsageError) return 2
  return error instanceof AbortError ? 130 : 1
}

/** What a person reads about an error, a stack only where PANOPTES_DEBUG asks for it. */
export function errorText(error: unknown, env: NodeJS.ProcessEnv = process.env): string {
  const message = messageOf(error)
  const stack = env.PANOPTES_DEBUG && error instanceof Error ? `\n${stacksOf(error)}` : ''
  return `panoptes: ${printable(message + stack)}\n`
}

/** Says what went wrong and ends the program. */
export function exitWith(error: unknown): never {
  process.stderr.write(errorText(error))
  process.exit(exitCodeOf(error))
}

function messageOf(error: unknown): string {
  if (error instanceof CommanderError) return usageText(error.message)
  if (error instanceof PanoptesError || error instanceof UsageError) return error.message
  const message = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]
  return `${message || 'an error without words'} (unexpected; PANOPTES_DEBUG=1 shows where)`
}

/** The parser's two lines as one: `error: unknown option '--sed'\n(Did you mean --seed?)`. */
function usageText(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/(?<![.?!)])$/, '.')
}

function stacksOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stacksOf(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}
