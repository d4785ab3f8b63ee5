import { stripEnd, stripStart } from '../text/python-text.ts'
import { StreamDecoder } from '../text/stream-decoder.ts'
import type { Tokenizer } from '../text/tokenizer.ts'

/**
 * An answer's text as it comes: special tokens left out, cut at the first stop text, white space stripped at both
 * ends, as the published `chat()` does it at the end. Pieces never split a grapheme; together they are the text.
 */
export class AnswerText {
  readonly #decoder: StreamDecoder
  #text = ''
  /** White space that is given out only if something follows it. */
  #space = ''

  constructor(tokenizer: Tokenizer, stop: readonly string[]) {
    this.#decoder = new StreamDecoder(tokenizer, { stop })
  }

  /** What has been given out. */
  get text(): string {
    return this.#text
  }

  /** The stop text that ended the answer, if one did. */
  get stopped(): string | undefined {
    return this.#decoder.stopped
  }

  push(id: number): string {
    return this.#give(this.#decoder.push(id))
  }

  flush(): string {
    return this.#give(this.#decoder.flush())
  }

  #give(decoded: string): string {
    const held = this.#space + decoded
    const pending = this.#text === '' ? stripStart(held) : held
    const piece = stripEnd(pending)
    this.#space = pending.slice(piece.length)
    this.#text += piece
    return piece
  }
}
