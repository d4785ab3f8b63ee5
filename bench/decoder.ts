import { type ChildProcess, spawn } from 'node:child_process'
import { cpus, freemem, loadavg } from 'node:os'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import type { Reply, Request } from './peers/protocol.ts'

/**
 * `node bench/decoder.ts --model DIR [--engines LIST] [--rounds 3]`: a 1.8 B decoder with random weights, by Panoptes and
 * by others, in turn: seconds to read prompts and milliseconds a token at several lengths, medians over the rounds.
 * DIR is a checkpoint of `scripts/random-checkpoint.ts --model mini-monkey`. Peers are installed by the bench.
 */
const engines: Readonly<Record<string, readonly string[]>> = {
  'panoptes int8': ['bench/peers/panoptes.ts', 'MODEL', 'int8'],
  'panoptes int4': ['bench/peers/panoptes.ts', 'MODEL', 'int4'],
  'llama.cpp Q4_0': ['bench/peers/llama-cpp.ts', 'q4_0'],
  'llama.cpp Q4_0 flash': ['bench/peers/llama-cpp.ts', 'q4_0', 'flash'],
  'llama.cpp Q8_0': ['bench/peers/llama-cpp.ts', 'q8_0'],
  'transformers.js q4': ['bench/peers/transformers.ts'],
}
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    engines: { type: 'string', default: Object.keys(engines).join(',') },
    rounds: { type: 'string', default: '3' },
    prefill: { type: 'boolean', default: false },
  },
})
if (!values.model) {
  process.stderr.write('usage: node bench/decoder.ts --model DIR [--engines LIST] [--rounds N] [--prefill]\n')
  process.exit(2)
}

const measurements: { name: string; request: Request; scale: number; unit: string }[] = [
  ...[512, 2048, 3456, 4096].map((past) => ({
    name: `decode at ${past}`,
    request: { op: 'decode', past, count: 8 } as const,
    scale: 1000 / 8,
    unit: 'ms/token',
  })),
  { name: 'read 512 at 0', request: { op: 'prefill', tokens: 512, past: 0 }, scale: 1, unit: 's' },
  ...(values.prefill
    ? [
        {
          name: 'read 3456 at 0',
          request: { op: 'prefill', tokens: 3456, past: 0 } as const,
          scale: 1,
          unit: 's',
        },
      ]
    : []),
]

/** One engine in a process of its own. */
class Runner {
  readonly name: string
  readonly samples = new Map<string, number[]>()
  peakBytes = 0
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(name: string) {
    this.name = name
    const words = engines[name]!.map((word) => (word === 'MODEL' ? values.model! : word))
    this.#child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  async ready(): Promise<void> {
    await this.#next()
  }

  async measure(name: string, request: Request, scale: number): Promise<void> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`)
    const { seconds, peakBytes } = JSON.parse(await this.#next()) as Reply
    this.samples.set(name, [...(this.samples.get(name) ?? []), seconds * scale])
    this.peakBytes = peakBytes
  }

  stop(): void {
    this.#child.kill()
  }

  async #next(): Promise<string> {
    const line = await this.#lines.next()
    if (line.done) throw new Error(`${this.name} ended early`)
    return line.value
  }
}

const load = (): string =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')
process.stdout.write(
  `${cpus().length} × ${cpus()[0]?.model}, ${(freemem() / 2 ** 30).toFixed(1)} GiB free, load ${load()}\n`,
)
const runners: Runner[] = []
for (const name of values.engines.split(',')) {
  const runner = new Runner(name)
  await runner.ready()
  runners.push(runner)
  process.stderr.write(`${name} is loaded\n`)
}
for (let round = 0; round < Number(values.rounds); round++)
  for (const { name, request, scale } of measurements)
    for (const runner of runners) {
      await runner.measure(name, request, scale)
      const last = runner.samples.get(name)!.at(-1)!
      process.stderr.write(`round ${round + 1}, ${name}, ${runner.name}: ${last.toFixed(2)}\n`)
    }
const median = (samples: readonly number[]): number => samples.toSorted((a, b) => a - b)[samples.length >> 1]!
const spread = (samples: readonly number[]): string =>
  `${median(samples).toFixed(1)} (${Math.min(...samples).toFixed(1)}–${Math.max(...samples).toFixed(1)})`
process.stdout.write(
  `| | ${runners.map(({ name }) => name).join(' | ')} |\n|---|${runners.map(() => '--:|').join('')}\n`,
)
for (const { name, unit } of measurements)
  process.stdout.write(
    `| ${name}, ${unit} | ${runners.map(({ samples }) => spread(samples.get(name)!)).join(' | ')} |\n`,
  )
process.stdout.write(
  `| peak memory, GB | ${runners.map(({ peakBytes }) => (peakBytes / 1e9).toFixed(2)).join(' | ')} |\nload ${load()}\n`,
)
for (const runner of runners) runner.stop()
