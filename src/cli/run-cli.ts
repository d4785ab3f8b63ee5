import { readFileSync } from 'node:fs'
import { parserFor, settleBareOptions } from './parse.ts'
import { errorText, exitCodeOf } from './report-error.ts'

/** Runs the command that the words after `panoptes` name; the exit status. Reports errors on stderr. */
export async function runCli(words: readonly string[]): Promise<number> {
  try {
    const settled = await settleBareOptions(words)
    const parser = await parserFor(settled, packageVersion())
    if (settled.length === 0) {
      process.stderr.write(parser.helpInformation())
      return 2
    }
    await parser.parseAsync(settled, { from: 'user' })
    return 0
  } catch (error) {
    const exitCode = exitCodeOf(error)
    if (exitCode !== 0) process.stderr.write(errorText(error))
    return exitCode
  }
}

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
