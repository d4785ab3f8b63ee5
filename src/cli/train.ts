import { readFile } from 'node:fs/promises'
import { InputError } from '../tensor/errors.ts'
import type { StepLog } from '../train/trainer.ts'
import { defineCommand } from './command.ts'
import { interruptSignal } from './interrupt.ts'
import { choice, flag, wholeNumber } from './option.ts'
import { statusLine } from './status-line.ts'
import { count, duration, printable } from './words.ts'

export const train = defineCommand({
  name: 'train',
  description:
    'Trains a model as a recipe says: stages, each with what is trained, on what, how long. May be stopped or killed ' +
    'at any moment: the same command goes on at the last saved step and ends with the same weights. The output folder ' +
    'gets the log, the curves and the trained model in its original layout.',
  usage: 'RECIPE [options]',
  positionals: [{ name: 'RECIPE', help: 'a YAML file' }],
  options: {
    device: choice('DEVICE', ['cpu', 'webgpu', 'cuda'], 'where it runs (default cpu)'),
    threads: wholeNumber('N', 'threads of one operator (default all cores)', 1, 1024),
    json: flag('print what was made as JSON'),
    quiet: flag('no progress; warnings and errors remain'),
  },
  examples: ['panoptes train tests/fixtures/train/recipe.yaml --quiet'],
  async run({ words, options }) {
    const path = words[0]!
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      throw new InputError(
        'recipe-missing',
        `${path} cannot be read. Check the path of the recipe.`,
        { path },
        error,
      )
    })
    const [{ parseRecipe }, { train }, { chooseEngine }] = await Promise.all([
      import('../train/recipe.ts'),
      import('../train/trainer.ts'),
      import('../runtime/default-engine.ts'),
    ])
    const recipe = parseRecipe(text, path)
    const { device = 'cpu' } = options
    const status = statusLine(process.stderr, options.quiet)
    const { signal, release } = interruptSignal()
    const progress = trainProgress()
    try {
      status.show('preparing', 'preparing the first stage')
      const made = await train(recipe, {
        compile: { engine: await chooseEngine(undefined, device), device, threads: options.threads },
        signal,
        onStep: (step) => status.show(`${step.stage} ${tenth(step)}`, progress(step)),
        onNotice: (message) => status.note(message),
      })
      status.clear()
      process.stdout.write(options.json ? `${JSON.stringify(made, null, 2)}\n` : `${printable(made.model)}\n`)
    } finally {
      release()
      status.clear()
    }
  },
})

/** Where no line is repainted, a line for every tenth of a stage is enough. */
function tenth({ step, steps }: StepLog): number {
  return Math.floor((10 * step) / steps)
}

/** The line under a run: loss and speed over the last steps, and how long the stage still takes. */
function trainProgress(): (step: StepLog) => string {
  const recent: StepLog[] = []
  return (step) => {
    if (recent.at(-1)?.stage !== step.stage) recent.length = 0
    recent.push(step)
    if (recent.length > 50) recent.shift()
    const sum = (of: (step: StepLog) => number): number => recent.reduce((total, one) => total + of(one), 0)
    const seconds = sum((one) => one.seconds)
    const left = ((step.steps - step.step) * seconds) / recent.length
    return (
      `${step.stage}: step ${count(step.step)} of ${count(step.steps)}, loss ${(sum((one) => one.loss) / recent.length).toFixed(3)}, ` +
      `${count(Math.round(sum((one) => one.realTokens) / seconds))} tokens/s, ${duration(left)} left`
    )
  }
}
