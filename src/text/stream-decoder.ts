import { CLEANED } from './python-text.ts'
import type { Tokenizer } from './tokenizer.ts'

/**
 * The window is decoded for every token; once it has this many, it is cut to about half where that changes
 * nothing.
 */
const WINDOW_TOKENS = 24
/** A cluster this long is no writing; it is let through in parts rather than held back for ever. */
const LONGEST_CLUSTER = 64

export interface StreamDecoderOptions {
  /** Whether special tokens are left out; true by default, as an answer is read. */
  readonly skipSpecial?: boolean
  /** The text ends before the first of these; a beginning of one is held back until it is decided. */
  readonly stop?: readonly string[]
}

/**
 * Turns tokens into text as they come, in pieces that never split a character or a grapheme cluster. What is
 * held back: bytes that may still become a character, the last cluster (an accent or a joiner may follow), a
 * beginning of a stop string, and a space that the tokenizer's clean-up may still remove. All pieces and
 * `flush` together are `tokenizer.decode` of all ids, up to the first stop string.
 */
export class StreamDecoder {
  readonly #tokenizer: Tokenizer
  readonly #skipSpecial: boolean
  readonly #stop: readonly string[]
  readonly #beginnings: readonly string[]
  readonly #segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
  readonly #added: ReadonlyMap<number, string>
  /** The ids whose text is not settled, and their text, of which `#given` characters have been handed out. */
  #window: number[] = []
  #text = ''
  #given = 0
  /** Settled text that comes before the window's and has not been handed out. */
  #held = ''
  #stopped: string | undefined

  constructor(tokenizer: Tokenizer, { skipSpecial = true, stop = [] }: StreamDecoderOptions = {}) {
    this.#tokenizer = tokenizer
    this.#skipSpecial = skipSpecial
    this.#stop = stop.filter((text) => text !== '')
    this.#beginnings = [...this.#stop, ...CLEANED.map(([from]) => from)]
    this.#added = new Map(skipSpecial ? [] : tokenizer.addedTokens.map(({ id, content }) => [id, content]))
  }

  /** The stop string that ended the text; undefined while it goes on. */
  get stopped(): string | undefined {
    return this.#stopped
  }

  /** The text that is settled after this token; empty once stopped. */
  push(id: number): string {
    if (this.#stopped !== undefined) return ''
    const added = this.#added.get(id)
    if (added === undefined) {
      this.#window.push(id)
      this.#text = this.#tokenizer.decode(this.#window, { skipSpecial: this.#skipSpecial })
    } else {
      // A special token that is shown stands for itself, without the spaces that some classes put around it.
      this.#held += this.#text.slice(this.#given) + added
      this.#window = []
      this.#text = ''
      this.#given = 0
    }
    const pending = this.#held + this.#text.slice(this.#given)
    const piece = this.#untilStop(pending) ?? pending.slice(0, this.#settled(pending))
    this.#handOut(piece.length)
    this.#shortenWindow()
    return piece
  }

  /** The rest of the text, at the end of the sequence. */
  flush(): string {
    if (this.#stopped !== undefined) return ''
    const pending = this.#held + this.#text.slice(this.#given)
    const piece = this.#untilStop(pending) ?? pending
    this.#handOut(pending.length)
    return piece
  }

  #handOut(length: number): void {
    const fromHeld = Math.min(length, this.#held.length)
    this.#held = this.#held.slice(fromHeld)
    this.#given += length - fromHeld
  }

  /** The text before the first stop string, if there is one. */
  #untilStop(pending: string): string | undefined {
    let first = pending.length
    for (const stop of this.#stop) {
      const at = pending.indexOf(stop)
      if (at < 0 || at > first || (at === first && this.#stopped !== undefined)) continue
      first = at
      this.#stopped = stop
    }
    return this.#stopped === undefined ? undefined : pending.slice(0, first)
  }

  /** How much of the pending text no later token can change. */
  #settled(pending: string): number {
    // At most three bytes wait for a fourth, each shown as U+FFFD; what they become may join the cluster
    // before them.
    const known = pending.replace(/\ufffd{1,3}$/, '')
    let end = known.length
    for (const text of this.#beginnings)
      for (let length = Math.min(text.length - 1, pending.length); length > 0; length--)
        if (pending.endsWith(text.slice(0, length))) {
          end = Math.min(end, pending.length - length)
          break
        }
    let settled = 0
    for (const { segment, index } of this.#segmenter.segment(known)) {
      const next = index + segment.length
      // Nothing joins a control character, except a line feed after a carriage return.
      const isFinal =
        next < known.length || segment.length > LONGEST_CLUSTER || /^(?!\r$)\p{Cc}+$/u.test(segment)
      if (!isFinal || next > end) break
      settled = next
    }
    return settled
  }

  /** Drops tokens from the window's front where the rest decodes to the same end of the text. */
  #shortenWindow(): void {
    if (this.#window.length < WINDOW_TOKENS) return
    for (let from = this.#window.length >> 1; from > 0; from--) {
      const rest = this.#window.slice(from)
      const text = this.#tokenizer.decode(rest, { skipSpecial: this.#skipSpecial })
      const dropped = this.#text.length - text.length
      if (text === '' || dropped > this.#given || !this.#text.endsWith(text)) continue
      this.#window = rest
      this.#text = text
      this.#given -= dropped
      return
    }
  }
}
