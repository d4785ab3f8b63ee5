import { type MergeRules, mergeSymbols } from './merge.ts'
import { anyOf } from './python-text.ts'
import type { Piece } from './sentencepiece-model.ts'
import { SPACE_SYMBOL } from './sentencepiece-normalizer.ts'

/** Longer words are unlikely to come again, and this many short ones stay within some megabytes. */
const CACHED_LENGTH = 48
const CACHED_WORDS = 50_000
const CACHED_PAIRS = 1_000_000
/** Symbols fit in 21 bits: a character that is no piece is its code point plus the number of pieces. */
const SYMBOLS = 2 ** 21

const wordPattern = new RegExp(`${SPACE_SYMBOL}*[^${SPACE_SYMBOL}]+|${SPACE_SYMBOL}+`, 'g')
const crossesWords = new RegExp(`[^${SPACE_SYMBOL}]${SPACE_SYMBOL}`)

/**
 * Finds pieces by merging characters, the best score first and the leftmost among equals.
 * Where no piece has a space after another character, no merge can cross the start of a word, so the text is
 * merged word by word and words are remembered: the same result in a fraction of the time.
 * Source: google/sentencepiece, `bpe_model.cc`.
 */
export class PieceMerger {
  readonly #pieces: readonly Piece[]
  readonly #ids: ReadonlyMap<string, number>
  readonly #own: RegExp | undefined
  readonly #byWords: boolean
  readonly #pairs = new Map<number, number>()
  readonly #words = new Map<string, readonly (number | string)[]>()
  /** The last pair seen that makes an unused piece, which is taken apart into it again. */
  readonly #halves = new Map<number, readonly [number, number]>()

  /** @param ids the pieces' places by their text */
  constructor(pieces: readonly Piece[], ids: ReadonlyMap<string, number>) {
    this.#pieces = pieces
    this.#ids = ids
    this.#own = anyOf(pieces.filter(({ type }) => type === 'user-defined').map(({ text }) => text))
    this.#byWords = !pieces.some(
      ({ text, type }) => type === 'unused' || (type === 'normal' && crossesWords.test(text)),
    )
  }

  /** The pieces of normalised text: an id, or the text of a character that is no piece. */
  find(normal: string): (number | string)[] {
    this.#halves.clear()
    if (!this.#byWords) return this.#merge(this.#symbolsBetweenOwn(normal))
    const found: (number | string)[] = []
    let end = 0
    for (const { 0: own, index } of this.#own ? normal.matchAll(this.#own) : []) {
      this.#findByWords(normal.slice(end, index), found)
      found.push(this.#ids.get(own)!)
      end = index + own.length
    }
    this.#findByWords(normal.slice(end), found)
    return found
  }

  #findByWords(text: string, found: (number | string)[]): void {
    for (const word of text.match(wordPattern) ?? []) {
      let pieces = this.#words.get(word)
      if (!pieces) {
        pieces = this.#merge(this.#symbols(word))
        if (word.length <= CACHED_LENGTH) {
          if (this.#words.size >= CACHED_WORDS) this.#words.clear()
          this.#words.set(word, pieces)
        }
      }
      for (const piece of pieces) found.push(piece)
    }
  }

  /** User-defined pieces are never merged with anything: their symbols are −1 − id. */
  #symbolsBetweenOwn(normal: string): number[] {
    if (!this.#own) return this.#symbols(normal)
    const symbols: number[] = []
    let end = 0
    for (const { 0: own, index } of normal.matchAll(this.#own)) {
      for (const symbol of this.#symbols(normal.slice(end, index))) symbols.push(symbol)
      symbols.push(-1 - this.#ids.get(own)!)
      end = index + own.length
    }
    for (const symbol of this.#symbols(normal.slice(end))) symbols.push(symbol)
    return symbols
  }

  #symbols(text: string): number[] {
    const symbols: number[] = []
    for (const character of text)
      symbols.push(this.#found(character) ?? this.#pieces.length + character.codePointAt(0)!)
    return symbols
  }

  /** The piece that a stretch of text may become; control and byte pieces are never found in text. */
  #found(text: string): number | undefined {
    const id = this.#ids.get(text)
    const type = id === undefined ? undefined : this.#pieces[id]!.type
    return type === 'normal' || type === 'user-defined' || type === 'unused' ? id : undefined
  }

  #merge(symbols: readonly number[]): (number | string)[] {
    const found: (number | string)[] = []
    for (const symbol of mergeSymbols(symbols, this.#rules)) this.#emit(symbol, found)
    return found
  }

  #emit(symbol: number, found: (number | string)[]): void {
    const halves = this.#halves.get(symbol)
    if (symbol < 0) found.push(-1 - symbol)
    else if (symbol >= this.#pieces.length) found.push(this.#textOf(symbol))
    else if (halves) for (const half of halves) this.#emit(half, found)
    else found.push(symbol)
  }

  #textOf(symbol: number): string {
    return this.#pieces[symbol]?.text ?? String.fromCodePoint(symbol - this.#pieces.length)
  }

  readonly #rules: MergeRules = {
    waits: false,
    find: (left, right) => {
      if (left < 0 || right < 0) return -1
      const pair = left * SYMBOLS + right
      let merged = this.#pairs.get(pair)
      if (merged === undefined) {
        merged = this.#found(this.#textOf(left) + this.#textOf(right)) ?? -1
        if (this.#pairs.size >= CACHED_PAIRS) this.#pairs.clear()
        this.#pairs.set(pair, merged)
      }
      if (merged >= 0 && this.#pieces[merged]!.type === 'unused') this.#halves.set(merged, [left, right])
      return merged
    },
    rank: (merged) => -this.#pieces[merged]!.score,
    result: (merged) => merged,
  }
}
