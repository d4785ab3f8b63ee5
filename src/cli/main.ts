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

const exitCode = await runCli(process.argv.slice(2))
// What was stopped may still be busy, such as an engine that loads.
if (exitCode === 130) process.exit(exitCode)
process.exitCode = exitCode
