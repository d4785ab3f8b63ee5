import { kindNames } from '../data/synthetic/kinds.ts'
import { defineCommand } from './command.ts'
import { interruptSignal } from './interrupt.ts'
import { choice, flag, text, wholeNumber } from './option.ts'
import { statusLine } from './status-line.ts'
import { UsageError } from './usage-error.ts'
import { plural, printable } from './words.ts'

export const synth = defineCommand({
  name: 'synth',
  description:
    'Makes pictures of documents, charts and scenes with questions, answers and the boxes that the answers rest ' +
    'on: DIR/images and DIR/data.jsonl, in the conversation format of LLaVA and InternVL. The same seed makes the ' +
    'same pictures.',
  usage: '--kind KIND --out DIR [--count N] [--seed N] [options]',
  positionals: [],
  options: {
    kind: choice('KIND', [...kindNames, 'all'], 'what is shown; all takes the kinds in turn'),
    out: text('DIR', 'the folder, made where it does not exist'),
    count: wholeNumber('N', 'pictures (default 100)'),
    seed: wholeNumber('N', 'makes the choice of everything repeatable (default 0)', 0),
    fonts: choice(
      'SET',
      ['training', 'held-out'],
      'letters that training shows, or that it never shows (default training)',
    ),
    questions: wholeNumber('N', 'the most questions about a picture (default 4)', 1, 100),
    json: flag('print the summary as JSON'),
    quiet: flag('no progress'),
  },
  examples: [
    'panoptes synth --kind receipt --count 4 --seed 7 --out receipts',
    'panoptes synth --kind sign --count 2 --fonts held-out --out unseen --json',
  ],
  async run({ options }) {
    const { kind, out, count = 100, seed = 0, fonts, questions, json, quiet } = options
    if (kind === undefined)
      throw new UsageError(`--kind is missing. It is one of ${kindNames.join(', ')}, or all.`)
    if (out === undefined)
      throw new UsageError('--out is missing: the folder for the pictures and data.jsonl.')

    const [{ writeSynthetic }, { blindScore }] = await Promise.all([
      import('../data/synthetic/dataset.ts'),
      import('../data/synthetic/blind.ts'),
    ])
    const status = statusLine(process.stderr, quiet)
    const interruption = interruptSignal()
    try {
      const records = await writeSynthetic({
        kinds: kind === 'all' ? kindNames : [kind],
        count,
        seed,
        folder: out,
        fonts,
        questions,
        signal: interruption.signal,
        onRecord: (_, done) =>
          status.show('drawing', `picture ${done} of ${count}`, `drawing ${plural(count, 'picture')}`),
      })
      const asked = records.flatMap(({ forms, answers, isRead }) =>
        forms.map((form, i) => ({ form, answer: answers[i]!, isRead: isRead[i]! })),
      )
      const summary = {
        folder: out,
        pictures: records.length,
        questions: asked.length,
        readQuestions: asked.filter(({ isRead }) => isRead).length,
        blindScore: blindScore(asked),
        blindReadScore: blindScore(asked.filter(({ isRead }) => isRead)),
      }
      status.clear()
      if (json) process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`)
      else
        process.stdout.write(
          `${plural(summary.pictures, 'picture')} with ${plural(summary.questions, 'question')} in ${printable(out)}\n`,
        )
    } finally {
      interruption.release()
      status.clear()
    }
  },
})
