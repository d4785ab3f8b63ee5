import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'

/** `npm test [FILE…]`: every *.test.ts under src and tests, with node's own runner, whose summary ends the output. */
const chosen = process.argv.slice(2)
const files = chosen.length > 0 ? chosen : globSync(['src/**/*.test.ts', 'tests/**/*.test.ts']).sort()
const { status } = spawnSync(process.execPath, ['--test', '--test-concurrency=2', ...files], {
  stdio: 'inherit',
})
process.exitCode = status ?? 1
