import { parseBudget } from '../model/budget.ts'
import type { Forecast } from '../model/forecast.ts'
import type { QuestionPlan } from '../model/plan.ts'
import { pictureReport } from './answer-report.ts'
import { defineCommand } from './command.ts'
import {
  askedLook,
  budgetOption,
  checkLookFlags,
  lookOptions,
  modelNamed,
  namingOptions,
  readPictures,
} from './model-options.ts'
import { flag, text } from './option.ts'
import { inFlagWords } from './option-errors.ts'
import { planText } from './plan-report.ts'
import { statusLine } from './status-line.ts'
import { bytes, count, duration, plural, printable, table } from './words.ts'

export const plan = defineCommand({
  name: 'plan',
  description:
    'Tells what a question about pictures would take before anything of it runs: tiles, tokens, and for each precision ' +
    'the seconds of every phase and the memory. --budget picks the finest look that fits and says which. The machine is ' +
    'measured once, in about half a minute.',
  usage: 'IMAGE… --model MODEL [--budget 10s] [options]',
  positionals: [{ name: 'IMAGE', help: 'picture files', isRepeated: true }],
  options: {
    ...namingOptions,
    question: text('TEXT', 'the question (default one of eight words)'),
    recalibrate: flag('measure the machine again'),
    json: flag('print the plan as JSON'),
    quiet: flag('no progress'),
    ...budgetOption,
    ...lookOptions,
  },
  examples: [
    'panoptes plan examples/receipt.jpg --model tests/fixtures/mini-monkey',
    'panoptes plan examples/receipt.jpg --model tests/fixtures/mini-monkey --budget 100-tokens --json',
  ],
  async run({ words, options }) {
    const model = modelNamed(options)
    await inFlagWords(() => checkLookFlags(options))
    const budget = options.budget === undefined ? undefined : parseBudget(options.budget)
    const { threads, recalibrate, precision = 'int8', quiet } = options
    const status = statusLine(process.stderr, quiet)
    const pictures = await readPictures(words, options, status)
    const question = options.question ?? 'What is written in this picture? Answer briefly.'
    try {
      const { Planner } = await import('../model/plan.ts')
      const planner = await Planner.open(model, options.as, {
        threads,
        again: recalibrate,
        onPrecision: (name) => status.show(name, `measuring this machine in ${name}`),
      })
      const made = await inFlagWords(async () => {
        const asked = { pictures, question, ...askedLook(options, planner.system) }
        const look = budget && (await planner.fit(asked, budget, precision))
        return planner.plan({ ...asked, ...(look && { tiling: look.tiling, compression: look.compression }) })
      })
      status.clear()
      const shown = options.json
        ? JSON.stringify(planJson(made), null, 2)
        : printable(planWords(made, budget !== undefined))
      process.stdout.write(`${shown}\n`)
    } finally {
      status.clear()
    }
  },
})

function planJson({ pictures, ...made }: QuestionPlan) {
  return { ...made, pictures: pictures.map(pictureReport) }
}

function planWords(made: QuestionPlan, isPicked: boolean): string {
  const { pictures, tokens, forecasts, compression } = made
  const seen = pictures.map((picture) => planText(picture.name, pictureReport(picture)))
  const left = tokens.decoder < tokens.prompt ? ` (${count(tokens.decoder)} after compression)` : ''
  const picked = isPicked
    ? [`picked for the budget: ${JSON.stringify(made.tiling)}${compression ? ' with compression' : ''}`]
    : []
  const heading = ['PRECISION', 'ENCODE', 'COMPRESS', 'PREFILL', 'FIRST TOKEN', 'EACH TOKEN', 'MEMORY']
  const rows = forecasts.map(({ precision, seconds, memoryBytes }: Forecast) => [
    precision,
    duration(seconds.encode),
    seconds.compress > 0 ? duration(seconds.compress) : '–',
    duration(seconds.prefill),
    duration(seconds.firstToken),
    `${Math.round(seconds.token * 1000)} ms`,
    bytes(memoryBytes),
  ])
  return [
    ...seen,
    `${plural(tokens.prompt, 'prompt token')}${left}`,
    ...picked,
    '',
    table([heading, ...rows], [false, true, true, true, true, true, true]),
  ].join('\n')
}
