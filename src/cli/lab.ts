import { join } from 'node:path'
import { type ArmName, armNames } from '../lab/arms.ts'
import type { TilingsResult } from '../lab/tilings.ts'
import { AbortError } from '../tensor/errors.ts'
import { defineCommand } from './command.ts'
import { flagName } from './flag-name.ts'
import { interruptSignal } from './interrupt.ts'
import { modelNamed } from './model-options.ts'
import { choice, flag, grouped, number, type Option, text, type Values, wholeNumber } from './option.ts'
import { type StatusLine, statusLine } from './status-line.ts'
import { UsageError } from './usage-error.ts'
import { count, duration, printable } from './words.ts'

const experiments = ['tilings', 'compression'] as const
type Experiment = (typeof experiments)[number]

const arms: Option<readonly ArmName[]> = {
  value: 'LIST',
  help: `tilings to compare, with commas between them (default ${armNames.join(',')})`,
  parse: (given) => given.split(',').map(armNamed),
}

const tilingsOptions = grouped('tilings', {
  arms,
  seeds: wholeNumber('N', 'seeds, each with pages of its own in an order of its own (default 3)', 1, 1000),
  steps: wholeNumber('N', 'updates of each run under the budget of equal pages (default 300)'),
  batch: wholeNumber('N', 'pages of an update (default 4)', 1, 1024),
  learningRate: number('RATE', 'peak of the learning rate (default 3e-4)', 0),
  pairs: wholeNumber('N', 'pairs of test pages (default 60)', 1, 100_000),
})

const compressionOptions = grouped('compression', {
  pages: wholeNumber('N', 'test pages (default 60)', 1, 100_000),
})

const options = {
  model: text(
    'MODEL',
    'an InternVL or Mini-Monkey checkpoint: a folder or a hub id (default $PANOPTES_MODEL)',
  ),
  out: text('DIR', 'where everything of the experiment goes (default lab/tilings or lab/compression)'),
  minutes: number('N', 'stop after that long, with everything saved; the same command goes on', 0),
  device: choice('DEVICE', ['cpu', 'webgpu', 'cuda'], 'where it runs (default cpu)'),
  threads: wholeNumber('N', 'threads of one operator (default all cores)', 1, 1024),
  json: flag('print the results as JSON in place of the report'),
  quiet: flag('no progress; warnings and errors remain'),
  ...tilingsOptions,
  ...compressionOptions,
}
type Flags = Values<typeof options>

export const lab = defineCommand({
  name: 'lab',
  description:
    'Repeats experiments of the field at the scale of a small model.\n\n' +
    'tilings: does cutting words matter? Trains the same model from the same state under each tiling, with equal ' +
    'pages and then with equal visual tokens, and lets each read pages whose words lie across the borders of tiles ' +
    'and pages that differ in nothing but that they do not.\n\n' +
    'compression: reads the same pages at keep ratios of scale compression (SCM) from 0.1 to 1.0: accuracy ' +
    'against time.\n\n' +
    'Both may be stopped or killed at any moment: the same command goes on. DIR gets report.md, ' +
    'results.json and figure.svg, those of tilings after every run.',
  usage: `${experiments.join('|')} --model MODEL [options]`,
  positionals: [{ name: 'EXPERIMENT', help: experiments.join(' or ') }],
  options,
  examples: [
    'panoptes lab tilings --model tests/fixtures/mini-monkey --arms dynamic,msac --seeds 1 --steps 1 --batch 1 --pairs 1 --out lab/tilings',
    'panoptes lab compression --model tests/fixtures/mini-monkey --pages 1 --out lab/compression --minutes 30',
  ],
  async run({ words, options }) {
    const experiment = experiments.find((known) => known === words[0])
    if (!experiment)
      throw new UsageError(`There is no experiment '${words[0]}'. It is one of ${experiments.join(', ')}.`)
    checkOptions(experiment, options)
    const flags = { ...options, model: modelNamed(options), out: options.out ?? join('lab', experiment) }
    const status = statusLine(process.stderr, options.quiet)
    const interruption = interruptSignal()
    const time = options.minutes === undefined ? undefined : AbortSignal.timeout(options.minutes * 60_000)
    const signal = time ? AbortSignal.any([interruption.signal, time]) : interruption.signal
    const run = experiment === 'tilings' ? runTilings : runCompression
    try {
      const { report, numbers } = await run(flags, status, signal)
      status.clear()
      process.stdout.write(options.json ? `${JSON.stringify(numbers, null, 2)}\n` : printable(report))
    } catch (error) {
      // Time that is up is what was asked for.
      if (!(error instanceof AbortError) || interruption.signal.aborted || !time?.aborted) throw error
      status.note(
        `${options.minutes} minutes are over. Everything is saved in ${flags.out}; the same command goes on.`,
      )
    } finally {
      interruption.release()
      status.clear()
    }
  },
})

type Named = Flags & { readonly model: string; readonly out: string }

interface Outcome {
  /** As people read it. */
  readonly report: string
  readonly numbers: unknown
}

async function runTilings(flags: Named, status: StatusLine, signal: AbortSignal): Promise<Outcome> {
  const [{ compareTilings }, { tilingsFigure, tilingsNumbers, tilingsReport }] = await Promise.all([
    import('../lab/tilings.ts'),
    import('../lab/tilings-report.ts'),
  ])
  const { model, out, steps = 300, batch = 4, learningRate = 3e-4, seeds = 3, pairs = 60 } = flags
  const write = async (result: TilingsResult): Promise<Outcome> => {
    const outcome = { report: tilingsReport(result, 'figure.svg'), numbers: tilingsNumbers(result) }
    await writeOutcome(out, outcome, tilingsFigure(result))
    return outcome
  }
  const result = await compareTilings({
    ...{ model, folder: out, steps, batchSize: batch, learningRate, seeds, pairs, signal },
    arms: armNames.filter((arm) => (flags.arms ?? armNames).includes(arm)),
    compile: await compileOf(flags),
    async onRun(result) {
      await write(result)
    },
    onProgress({ phase, run, done, total, loss, secondsLeft }) {
      const where = run ? `run ${run.number} of ${run.total} (${run.name}): ` : ''
      const what = `${verbs[phase]} ${count(done)} of ${count(total)}`
      const told = loss === undefined ? what : `${what}, loss ${loss.toFixed(3)}`
      status.show(`${where}${phase} ${tenth(done, total)}`, `${where}${told}${left(secondsLeft)}`)
    },
  })
  return write(result)
}

async function runCompression(flags: Named, status: StatusLine, signal: AbortSignal): Promise<Outcome> {
  const [{ compareCompression }, { compressionFigure, compressionReport, scoreCompression }] =
    await Promise.all([import('../lab/compression.ts'), import('../lab/compression-report.ts')])
  const { model, out, pages = 60 } = flags
  const result = await compareCompression({
    ...{ model, folder: out, pages, signal, compile: await compileOf(flags) },
    onProgress({ phase, done, total, secondsLeft }) {
      const told = `${verbs[phase]} ${count(done)} of ${count(total)}`
      status.show(`${phase} ${tenth(done, total)}`, `${told}${left(secondsLeft)}`)
    },
  })
  const report = compressionReport(result, 'figure.svg')
  const outcome = { report, numbers: { model, pages, ratios: scoreCompression(result) } }
  await writeOutcome(out, outcome, compressionFigure(result))
  return outcome
}

const verbs = { drawing: 'drew page', training: 'took step', reading: 'read page' } as const

/** Where no line is repainted, a line for every tenth is enough. */
function tenth(done: number, total: number): number {
  return Math.floor((10 * done) / total)
}

async function compileOf({ device = 'cpu', threads }: Flags) {
  const { chooseEngine } = await import('../runtime/default-engine.ts')
  return { engine: await chooseEngine(undefined, device), device, threads }
}

async function writeOutcome(out: string, { report, numbers }: Outcome, figure: string): Promise<void> {
  const { writeWhole } = await import('../checkpoint/write-whole.ts')
  await writeWhole(join(out, 'figure.svg'), [Buffer.from(figure)])
  await writeWhole(join(out, 'results.json'), [Buffer.from(`${JSON.stringify(numbers, null, 2)}\n`)])
  await writeWhole(join(out, 'report.md'), [Buffer.from(report)])
}

function left(seconds: number | undefined): string {
  return seconds === undefined ? '' : `, ${duration(seconds)} left`
}

/** @throws UsageError for options of the other experiment */
function checkOptions(experiment: Experiment, flags: Flags): void {
  const other = experiment === 'tilings' ? compressionOptions : tilingsOptions
  const named = Object.keys(other).find((key) => flags[key as keyof Flags] !== undefined)
  if (named !== undefined)
    throw new UsageError(`${flagName(named)} has no effect on the experiment ${experiment}. Leave it out.`)
}

function armNamed(given: string): ArmName {
  const found = armNames.find((known) => known === given)
  if (found) return found
  throw new UsageError(
    `--arms: There is no tiling '${given}' to compare. Take some of ${armNames.join(', ')}.`,
  )
}
