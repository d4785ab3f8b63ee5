import { parseArgs } from 'node:util'
import { compare, load, machine, startRunners } from './peers/runner.ts'

/**
 * `node bench/vision.ts --model DIR [--engines LIST] [--rounds 5]`: seconds to encode one tile of 448 pixels by InternViT-300M,
 * by Panoptes and by transformers.js in turn, medians over the rounds, and how far the results lie from the first
 * engine's. DIR is a checkpoint of `scripts/random-checkpoint.ts --model mini-monkey`. Peers are installed by the bench.
 */
const engines: Readonly<Record<string, readonly string[]>> = {
  'panoptes fp32': ['bench/peers/panoptes-vision.ts', 'MODEL', 'fp32'],
  'panoptes int8': ['bench/peers/panoptes-vision.ts', 'MODEL', 'int8'],
  'transformers.js fp32': ['bench/peers/transformers-vision.ts', 'MODEL'],
}
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    engines: { type: 'string', default: Object.keys(engines).join(';') },
    rounds: { type: 'string', default: '5' },
  },
})
const names = values.engines.split(';')
if (!values.model || names.some((name) => !engines[name])) {
  process.stderr.write(
    'usage: node bench/vision.ts --model DIR [--engines LIST] [--rounds N]\n' +
      `engines, with ; between them: ${Object.keys(engines).join('; ')}\n`,
  )
  process.exit(2)
}

process.stdout.write(`${machine()}\n`)
const runners = await startRunners(names, engines, values.model)
await compare(
  runners,
  [{ name: 'a tile', request: { op: 'encode' }, scale: 1, unit: 's' }],
  Number(values.rounds),
)
const [first, ...others] = runners
for (const { name, last } of others) {
  const away = distance(first!.last!.values!, last!.values!)
  process.stdout.write(`${name}: ${away.toExponential(1)} from ${first!.name}\n`)
}
process.stdout.write(`load ${load()}\n`)
for (const runner of runners) runner.stop()

/** |b − a| / |a| */
function distance(a: readonly number[], b: readonly number[]): number {
  const length = (x: readonly number[]): number => Math.hypot(...x)
  return length(b.map((value, i) => value - a[i]!)) / length(a)
}
