import { type ChildProcess, spawn } from 'node:child_process'
import { cpus, freemem, loadavg } from 'node:os'
import { createInterface } from 'node:readline'
import type { Reply, Request } from './protocol.ts'

/** One quantity of a bench: what is asked of every engine, and how its seconds are printed. */
export interface Measurement {
  readonly name: string
  readonly request: Request
  readonly unit: string
  /** Of `unit`, a second of the request. */
  readonly scale: number
}

/** One engine in a process of its own. */
export class Runner {
  readonly name: string
  /** By measurement. */
  readonly samples = new Map<string, Reply[]>()
  /** The answer to the last request. */
  last: Reply | undefined
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(name: string, words: readonly string[]) {
    this.name = name
    this.#child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  /** Starts the process and waits until it has loaded. */
  static async start(name: string, words: readonly string[]): Promise<Runner> {
    const runner = new Runner(name, words)
    await runner.#next()
    process.stderr.write(`${name} is loaded\n`)
    return runner
  }

  async ask(request: Request): Promise<Reply> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`)
    this.last = JSON.parse(await this.#next()) as Reply
    return this.last
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

/** The named engines, each in its process, started one after the other; `MODEL` in their words is the checkpoint. */
export async function startRunners(
  names: readonly string[],
  engines: Readonly<Record<string, readonly string[]>>,
  model: string,
): Promise<Runner[]> {
  const runners: Runner[] = []
  for (const name of names)
    runners.push(
      await Runner.start(
        name,
        engines[name]!.map((word) => (word === 'MODEL' ? model : word)),
      ),
    )
  return runners
}

/**
 * Asks every runner in turn, round by round, and prints the medians with the range as a table. Each measurement has a
 * round before the first that is not counted: engines compile, page in and fill their caches then.
 */
export async function compare(
  runners: readonly Runner[],
  measurements: readonly Measurement[],
  rounds: number,
): Promise<void> {
  const head = ['', ...runners.map(({ name }) => name)]
  const print = (cells: readonly string[]): boolean => process.stdout.write(`| ${cells.join(' | ')} |\n`)
  print(head)
  print(head.map((_, i) => (i === 0 ? '---' : '--:')))
  for (const { name, request, unit, scale } of measurements) {
    for (const runner of runners) await runner.ask(request)
    for (let round = 1; round <= rounds; round++)
      for (const runner of runners) {
        const reply = await runner.ask(request)
        runner.samples.set(name, [...(runner.samples.get(name) ?? []), reply])
        const value = (reply.seconds * scale).toFixed(2)
        process.stderr.write(`${name}, round ${round}, ${runner.name}: ${value} ${unit}\n`)
      }
    process.stderr.write(`load ${load()}\n`)
    const cells = (of: (reply: Reply) => number): string[] =>
      runners.map(({ samples }) => spread(samples.get(name)!.map((reply) => of(reply) * scale)))
    print([`${name}, ${unit}`, ...cells(({ seconds }) => seconds)])
    print(['… of processor time', ...cells(({ processorSeconds }) => processorSeconds)])
  }
  print(['peak memory, GB', ...runners.map(({ last }) => (last!.peakBytes / 1e9).toFixed(2))])
}

/** The machine and how busy it is. */
export function machine(): string {
  const free = (freemem() / 2 ** 30).toFixed(1)
  return `${cpus().length} × ${cpus()[0]?.model}, ${free} GiB free, load ${load()}`
}

/** Load averages of 1, 5 and 15 minutes. */
export function load(): string {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')
}

/** The median with the smallest and the largest. */
function spread(samples: readonly number[]): string {
  const sorted = samples.toSorted((a, b) => a - b)
  const [least, median, most] = [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!]
  const digits = most < 100 ? 2 : 0
  return `${median.toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`
}
