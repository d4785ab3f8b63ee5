import { parseArgs } from 'node:util'
import { compare, load, type Measurement, machine, startRunners } from './peers/runner.ts'

/**
 * `node bench/decoder.ts --model DIR [--engines LIST] [--rounds 3] [--reads 512] [--lengths 512,2048,3456,4096]`:
 * a 1.8 B decoder with random weights, by Panoptes and by others, in turn: seconds to read prompts and milliseconds a
 * token behind caches of several lengths, medians over the rounds. DIR is a checkpoint of `scripts/random-checkpoint.ts --model mini-monkey`. Peers are installed by the bench.
 */
const engines: Readonly<Record<string, readonly string[]>> = {
  'panoptes int8': ['bench/peers/panoptes.ts', 'MODEL', 'int8'],
  'panoptes int4': ['bench/peers/panoptes.ts', 'MODEL', 'int4'],
  'panoptes int4, int8 cache': ['bench/peers/panoptes.ts', 'MODEL', 'int4', 'int8'],
  'llama.cpp Q4_0': ['bench/peers/llama-cpp.ts', 'q4_0'],
  'llama.cpp Q4_0 flash': ['bench/peers/llama-cpp.ts', 'q4_0', 'flash'],
  'llama.cpp Q8_0': ['bench/peers/llama-cpp.ts', 'q8_0'],
  'transformers.js q4': ['bench/peers/transformers.ts'],
}
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    engines: { type: 'string', default: Object.keys(engines).join(';') },
    rounds: { type: 'string', default: '3' },
    reads: { type: 'string', default: '512' },
    lengths: { type: 'string', default: '512,2048,3456,4096' },
  },
})
const names = values.engines.split(';')
if (!values.model || names.some((name) => !engines[name])) {
  process.stderr.write(
    'usage: node bench/decoder.ts --model DIR [--engines LIST] [--rounds N] [--reads 512] [--lengths 512,2048,3456,4096]\n' +
      `engines, with ; between them: ${Object.keys(engines).join('; ')}\n`,
  )
  process.exit(2)
}

// Reading comes first and lengths rise, so that every engine reads the longest cache once and never again.
const measurements: Measurement[] = [
  ...numbers(values.reads).map((tokens) => ({
    name: `read ${tokens} at 0`,
    request: { op: 'prefill', tokens, past: 0 } as const,
    scale: 1,
    unit: 's',
  })),
  ...numbers(values.lengths).map((past) => ({
    name: `decode at ${past}`,
    request: { op: 'decode', past, count: 8 } as const,
    scale: 1000 / 8,
    unit: 'ms/token',
  })),
]

process.stdout.write(`${machine()}\n`)
const runners = await startRunners(names, engines, values.model)
await compare(runners, measurements, Number(values.rounds))
process.stdout.write(`load ${load()}\n`)
for (const runner of runners) runner.stop()

function numbers(list: string): number[] {
  return list === '' ? [] : list.split(',').map(Number)
}
