import { createInterface, type Interface } from 'node:readline'
import type { Chat } from '../model/chat.ts'
import type { EncodedPicture } from '../model/load-node.ts'
import type { Picture } from '../systems/system.ts'
import { AbortError, PanoptesError } from '../tensor/errors.ts'
import { answerSummary } from './answer-report.ts'
import { printed } from './ask.ts'
import { defineCommand } from './command.ts'
import { type Interruption, interruptSignal } from './interrupt.ts'
import {
  askOptions,
  checkModelFlags,
  loadNamed,
  modelOptions,
  readBoxes,
  readPictures,
} from './model-options.ts'
import { inFlagWords } from './option-errors.ts'
import { errorText } from './report-error.ts'
import { runProgress } from './run-progress.ts'
import { statusLine } from './status-line.ts'
import { plural, printable } from './words.ts'

const help = `Write a question and press Enter.
  /image FILE  show one more picture to the next question
  /reset       forget all turns and pictures
  /help        this help
  /quit        end (as does Ctrl-D); Ctrl-C stops an answer
`

export const chat = defineCommand({
  name: 'chat',
  description:
    'Talks about pictures, turn by turn. Each line of input is a question; /help lists what else can be written. ' +
    'Answers go to stdout, everything else to stderr.',
  usage: '[IMAGE…] --model MODEL [options]',
  positionals: [
    { name: 'IMAGE', help: 'pictures of the first question', isOptional: true, isRepeated: true },
  ],
  options: modelOptions,
  examples: ['panoptes chat examples/receipt.jpg --model tests/fixtures/mini-monkey'],
  async run({ words, options }) {
    await inFlagWords(() => checkModelFlags(options))
    const status = statusLine(process.stderr, options.quiet)
    const onEvent = runProgress(status, !process.stdout.isTTY)
    let pending = await readPictures(words, options, status)
    let boxes = await inFlagWords(() => readBoxes(options, pending))
    const loading = interruptSignal()
    const model = await loadNamed(options, onEvent, loading.signal).finally(loading.release)
    status.clear()
    const conversation = model.chat(askOptions(options, model))
    const isTerminal = Boolean(process.stdin.isTTY)
    const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: isTerminal })
    let answering: Interruption | undefined
    // A terminal that readline reads sends no signal: Ctrl-C stops an answer, or ends the conversation at the prompt.
    // As a shell does, it drops a line that is begun first.
    lines.on('SIGINT', () => {
      if (answering) return answering.interrupt()
      if (lines.line === '') return lines.close()
      lines.write(null, { ctrl: true, name: 'e' })
      lines.write(null, { ctrl: true, name: 'u' })
    })
    if (isTerminal && !options.quiet)
      process.stderr.write(`${model.system.name}; ${shownText(pending)} /help lists commands.\n`)
    let isAsked = true
    try {
      for await (const line of promptedLines(lines, isTerminal)) {
        const words = line.trim()
        if (words === '') continue
        if (words === '/quit') {
          isAsked = false
          break
        }
        try {
          if (words.startsWith('/')) pending = await obey(words, pending, conversation)
          else {
            await answer(words, pending)
            pending = []
            if (boxes) boxes = undefined // box files are of the pictures that the command line names
          }
        } catch (error) {
          status.clear()
          if (!isTerminal || !(error instanceof PanoptesError)) throw error
          process.stderr.write(errorText(error))
        }
      }
      // Where Ctrl-C or Ctrl-D ended the last prompt, the shell's goes on a line of its own.
      if (isTerminal && isAsked) process.stderr.write('\n')
    } finally {
      lines.close()
      await model.dispose()
    }

    async function answer(question: string, images: readonly Picture[]): Promise<void> {
      answering = interruptSignal()
      try {
        const stream = conversation.stream(question, { images, boxes, signal: answering.signal, onEvent })
        const given = await inFlagWords(() => printed(stream, status))
        if (!options.quiet) process.stderr.write(`${printable(answerSummary(given))}\n`)
        if (given.stopReason === 'aborted') throw new AbortError('aborted', 'Stopped; the turn is forgotten.')
      } finally {
        answering.release()
        answering = undefined
        status.clear()
      }
    }

    async function obey(
      command: string,
      shown: Picture[],
      conversation: Chat<EncodedPicture>,
    ): Promise<Picture[]> {
      const [, name, rest = ''] = /^\/(\w*)\s*(.*)$/.exec(command) ?? []
      if (name === 'image' && rest === '') {
        process.stderr.write('Name the picture: /image FILE\n')
        return shown
      }
      if (name === 'image') {
        const all = [...shown, ...(await readPictures([rest], options, status))]
        if (!options.quiet) process.stderr.write(`${shownText(all)}\n`)
        return all
      }
      if (name === 'reset') {
        conversation.reset()
        if (!options.quiet) process.stderr.write('All turns and pictures are forgotten.\n')
        return []
      }
      process.stderr.write(name === 'help' ? help : `There is no command ${printable(command)}.\n${help}`)
      return shown
    }
  },
})

function shownText(pictures: readonly Picture[]): string {
  return pictures.length === 0
    ? 'no picture yet (/image FILE shows one).'
    : `${plural(pictures.length, 'picture')} for the next question.`
}

/** The lines of the input, each after a prompt where a person writes them. */
async function* promptedLines(lines: Interface, isTerminal: boolean): AsyncGenerator<string> {
  lines.setPrompt('> ')
  if (isTerminal) lines.prompt()
  for await (const line of lines) {
    yield line
    if (isTerminal) lines.prompt()
  }
}
