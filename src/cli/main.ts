import { once } from 'node:events'
import { errorText } from './report-error.ts'
import { runCli } from './run-cli.ts'

// `panoptes … | head` closes the pipe when it has read enough, which is no failure.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1)
  })
process.on('uncaughtException', (error) => {
  process.stderr.write(errorText(error))
  process.exit(1)
})

/** The command line's words; a long command line comes over the channel that bin/panoptes.js opens. */
async function commandWords(): Promise<string[]> {
  if (process.env.PANOPTES_WORDS !== 'ipc' || !process.send) return process.argv.slice(2)
  const [words] = (await once(process, 'message')) as [string[]]
  process.disconnect()
  return words
}

const exitCode = await runCli(await commandWords())
// What was stopped may still be busy, such as an engine that loads.
if (exitCode === 130) process.exit(exitCode)
process.exitCode = exitCode
