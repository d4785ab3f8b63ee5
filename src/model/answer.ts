import type { GeneratedRow, StopReason, TextPiece } from '../generate/generate.ts'
import type { PictureReport, Timings, VisualLayout } from '../systems/system.ts'

/** How many tokens went where. */
export interface TokenCounts {
  /** The prompt, visual tokens included. */
  readonly prompt: number
  readonly visual: number
  /** What the decoder read of the prompt: less than `prompt` after compression. */
  readonly decoder: number
  /** Of those, what was there from an earlier question that began in the same way. */
  readonly reused: number
  /** All answers together, stop tokens included. */
  readonly answer: number
}

/** What a question gave, and how. */
export interface Answer {
  /** The first (of a beam search the best) answer. */
  readonly text: string
  readonly stopReason: StopReason
  /** All answers: more than one where `n` asked for them. */
  readonly answers: readonly GeneratedRow[]
  readonly tokens: TokenCounts
  /** By phase; `total` begins with the question and ends with the last token. */
  readonly seconds: Timings & { readonly decode: number; readonly total: number }
  /** What happened to each picture: its size, its grids, what each tile covers, its tokens. */
  readonly pictures: readonly PictureReport[]
  /** Which prompt positions are visual, which tile each shows, and which were kept. */
  readonly layout: VisualLayout
  /** The question with its placeholders, as the history of a next question needs it. */
  readonly question: string
}

/**
 * An answer that is being written. Iterating gives the text of the first answer in pieces that never split a
 * grapheme; `answer()` waits for the whole. Nothing runs before one of the two is called.
 */
export class AnswerStream implements AsyncIterable<string> {
  readonly #pieces: AsyncGenerator<TextPiece, Answer>
  #answer: Promise<Answer> | undefined

  constructor(pieces: AsyncGenerator<TextPiece, Answer>) {
    this.#pieces = pieces
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void> {
    for (;;) {
      const next = await this.#pieces.next()
      if (next.done) {
        this.#answer ??= Promise.resolve(next.value)
        return
      }
      if (next.value.row === 0) yield next.value.text
    }
  }

  /** The whole answer, once it is written; may be called after iterating or instead of it. */
  answer(): Promise<Answer> {
    this.#answer ??= this.#drain()
    return this.#answer
  }

  async #drain(): Promise<Answer> {
    for (;;) {
      const next = await this.#pieces.next()
      if (next.done) return next.value
    }
  }
}
