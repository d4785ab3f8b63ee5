import type { DecoderSequence } from '../decoders/sequence.ts'

/**
 * What a position of the decoder's input holds: a token's id, or a name for a visual token that is equal only where
 * the token is. Undefined is equal to nothing.
 */
export type TokenIdentity = number | string | undefined

/** A sequence to be continued. */
export interface SharedPrefix {
  readonly sequence: DecoderSequence
  /** Leading tokens that it holds of the new prompt. */
  readonly length: number
}

/**
 * The last sequence that was decoded, whose keys and values serve a next prompt as far as both begin alike: the
 * system text, the pictures, earlier turns. One is kept, since its buffers are large.
 */
export class PrefixCache {
  #kept: { readonly sequence: DecoderSequence; readonly tokens: readonly TokenIdentity[] } | undefined

  /** Takes the kept sequence out, cut to what it shares with `prompt`; at least the last token is left to read. */
  take(prompt: readonly TokenIdentity[]): SharedPrefix | undefined {
    const kept = this.#kept
    if (!kept?.sequence.agreesWithLength(prompt.length)) return undefined
    const length = Math.min(sharedLength(kept.tokens, prompt), prompt.length - 1)
    if (length < 1) return undefined
    this.#kept = undefined
    kept.sequence.truncate(length)
    return { sequence: kept.sequence, length }
  }

  /** Keeps a sequence that nobody continues any more; `tokens` is what it holds. */
  give(sequence: DecoderSequence, tokens: readonly TokenIdentity[]): void {
    if (this.#kept?.sequence !== sequence) this.clear()
    this.#kept = { sequence, tokens }
  }

  /** Frees the kept sequence. */
  clear(): void {
    this.#kept?.sequence.dispose()
    this.#kept = undefined
  }
}

function sharedLength(a: readonly TokenIdentity[], b: readonly TokenIdentity[]): number {
  const most = Math.min(a.length, b.length)
  for (let i = 0; i < most; i++) if (a[i] === undefined || a[i] !== b[i]) return i
  return most
}
