import { existsSync } from 'node:fs'
import type { Answer, AnswerStream } from '../model/answer.ts'
import { type Budget, type Look, parseBudget } from '../model/budget.ts'
import type { Picture } from '../systems/system.ts'
import { AbortError } from '../tensor/errors.ts'
import { answerReport, answerSummary } from './answer-report.ts'
import { defineCommand } from './command.ts'
import { interruptSignal } from './interrupt.ts'
import {
  answerOptions,
  askedLook,
  askOptions,
  budgetOption,
  checkModelFlags,
  checkNoLook,
  loadNamed,
  type ModelFlags,
  modelNamed,
  modelOptions,
  readBoxes,
  readPictures,
} from './model-options.ts'
import { flag } from './option.ts'
import { inFlagWords } from './option-errors.ts'
import { runProgress } from './run-progress.ts'
import { type StatusLine, statusLine } from './status-line.ts'
import { UsageError } from './usage-error.ts'
import { plural, printable } from './words.ts'

export const ask = defineCommand({
  name: 'ask',
  description:
    'Answers a question about one or more pictures. The answer goes to stdout as it is written; what is being done, ' +
    'what happened to each picture and how long it took go to stderr.',
  usage: '[IMAGE…] QUESTION --model MODEL [options]',
  positionals: [
    { name: 'WORD', help: 'picture files, then the question in quotes', isOptional: true, isRepeated: true },
  ],
  options: {
    ...modelOptions,
    ...answerOptions,
    ...budgetOption,
    json: flag('print the answer with token counts, timings and the report on each picture as JSON'),
  },
  examples: [
    'panoptes ask examples/receipt.jpg "What is the total?" --model tests/fixtures/mini-monkey',
    'panoptes ask examples/receipt.jpg examples/street-sign.jpg "Which one is a receipt?" --model tests/fixtures/mini-monkey',
    'panoptes ask examples/receipt.jpg "Read it." --model tests/fixtures/mini-monkey --compress --json',
  ],
  async run({ words, options }) {
    const paths = words.slice(0, -1)
    const question = words.at(-1)
    if (question === undefined)
      throw new UsageError('There is no question. Write: panoptes ask IMAGE… "QUESTION" --model MODEL')
    if (question.trim() === '')
      throw new UsageError('The question is empty. Ask something about the picture.')
    if (paths.length === 0 && (existsSync(question) || pictureName.test(question)))
      throw new UsageError(`There is no question. Write it behind the pictures: panoptes ask ${question} "…"`)
    await inFlagWords(() => checkModelFlags(options))
    if (paths.length === 0) checkNoLook(options)
    const budget = options.budget === undefined ? undefined : parseBudget(options.budget)
    const status = statusLine(process.stderr, options.quiet)
    const { signal, release } = interruptSignal()
    try {
      const isSeen = options.json || !process.stdout.isTTY
      const onEvent = runProgress(status, Boolean(isSeen))
      // Before the model: with a wrong path, nobody waits for weights.
      const images = await readPictures(paths, options, status)
      const boxes = await inFlagWords(() => readBoxes(options, images))
      const look =
        budget && (await inFlagWords(() => fittedLook(options, budget, { question, images }, status, signal)))
      const model = await loadNamed(options, onEvent, signal)
      try {
        await inFlagWords(async () => {
          const asked = { ...askOptions(options, model), ...look, images, boxes, signal, onEvent }
          const stream = model.stream(question, asked)
          const answer = options.json ? await stream.answer() : await printed(stream, status)
          status.clear()
          if (options.json) process.stdout.write(`${JSON.stringify(answerReport(answer, model), null, 2)}\n`)
          else if (!options.quiet) process.stderr.write(`${printable(answerSummary(answer))}\n`)
          if (answer.stopReason === 'aborted')
            throw new AbortError('aborted', 'Stopped. What stands above is the beginning of the answer.')
        })
      } finally {
        if (!signal.aborted) await model.dispose()
      }
    } finally {
      release()
      status.clear()
    }
  },
})

/** One word that ends as pictures do was meant as a picture. */
const pictureName = /^\S+\.(?:jpe?g|png|webp|avif|tiff?|gif)$/i

/** The look that fits the budget, found before any weight is loaded. */
async function fittedLook(
  flags: ModelFlags,
  budget: Budget,
  { question, images }: { question: string; images: readonly Picture[] },
  status: StatusLine,
  signal: AbortSignal,
): Promise<Pick<Look, 'tiling' | 'compression'>> {
  const { Planner } = await import('../model/plan.ts')
  const planner = await Planner.open(modelNamed(flags), flags.as, {
    threads: flags.threads,
    signal,
    onPrecision: (name) => status.show(name, `measuring this machine in ${name}`),
  })
  const asked = { question, pictures: images, ...askedLook(flags, planner.system) }
  const { tiling, compression, prepared } = await planner.fit(asked, budget, flags.precision ?? 'fp32')
  status.note(
    `the budget allows ${plural(prepared.tileCount, 'tile')}${compression ? ' with compression' : ''}: ` +
      JSON.stringify(tiling),
  )
  return { tiling, compression }
}

/** Writes the answer as it comes; several answers under their numbers, once they are there. */
export async function printed(stream: AnswerStream, status: StatusLine): Promise<Answer> {
  let hasBegun = false
  for await (const piece of stream) {
    if (!hasBegun) status.clear()
    hasBegun = true
    process.stdout.write(printable(piece))
  }
  const answer = await stream.answer()
  status.clear()
  process.stdout.write('\n')
  for (const { row, text } of answer.answers.slice(1))
    process.stdout.write(`--- answer ${row + 1}\n${printable(text)}\n`)
  return answer
}
