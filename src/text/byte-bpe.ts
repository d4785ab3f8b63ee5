import { CheckpointError } from '../tensor/errors.ts'
import { type MergeRules, mergeSymbols } from './merge.ts'

const CACHED_LENGTH = 48
const CACHED_WORDS = 50_000

/** GPT-2's letters for bytes: printable Latin-1 stands for itself, the rest for U+0100 and following. */
const letters: readonly string[] = (() => {
  let shifted = 0x100
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : shifted++))
})()
const byteOf = new Map(letters.map((letter, byte) => [letter, byte]))
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export interface ByteBpeOptions {
  /** Finds the words of a text, a match each; bytes are merged within words only. */
  readonly words: RegExp
  /** What the last letter of each word carries: CLIP's `</w>`. */
  readonly wordEnd?: string
  /** The id of what the vocabulary lacks; without it such pieces are dropped. */
  readonly unkId?: number
}

/**
 * Byte-level byte-pair encoding: `vocab.json` and `merges.txt`.
 * Source: openai/gpt-2, `encoder.py`; transformers `GPT2Tokenizer`, `Qwen2Tokenizer`, `CLIPTokenizer`.
 */
export class ByteBpe {
  readonly #options: ByteBpeOptions
  readonly #ids: ReadonlyMap<string, number>
  readonly #pieces: ReadonlyMap<number, string>
  /** Strings that merging can reach, by number. */
  readonly #symbols: string[] = []
  readonly #numbers = new Map<string, number>()
  readonly #ruleOf = new Map<number, number>()
  readonly #results: number[] = []
  readonly #words = new Map<string, readonly number[]>()

  constructor(
    vocab: ReadonlyMap<string, number>,
    merges: readonly (readonly [string, string])[],
    options: ByteBpeOptions,
  ) {
    this.#options = options
    this.#ids = vocab
    this.#pieces = new Map([...vocab].map(([piece, id]) => [id, piece]))
    for (const [left, right] of merges) {
      const pair = this.#number(left) * 2 ** 26 + this.#number(right)
      // Of a pair listed twice the last line counts, as in Python's dict(zip(merges, range)).
      this.#ruleOf.set(pair, this.#results.length)
      this.#results.push(this.#number(left + right))
    }
  }

  get size(): number {
    return this.#ids.size
  }

  pieceOf(id: number): string | undefined {
    return this.#pieces.get(id)
  }

  idOf(piece: string): number | undefined {
    return this.#ids.get(piece)
  }

  /** The ids of well-formed text. */
  encode(text: string): number[] {
    const ids: number[] = []
    for (const word of text.match(this.#options.words) ?? []) {
      let found = this.#words.get(word)
      if (!found) {
        found = this.#encodeWord(word)
        if (word.length <= CACHED_LENGTH) {
          if (this.#words.size >= CACHED_WORDS) this.#words.clear()
          this.#words.set(word, found)
        }
      }
      for (const id of found) ids.push(id)
    }
    return ids
  }

  /** The text of pieces; bytes that form no character become U+FFFD, as Python's `errors='replace'` does. */
  decode(pieces: readonly string[]): string {
    const parts = pieces.map((piece) => {
      const bytes: number[] = []
      for (const letter of piece) {
        const byte = byteOf.get(letter)
        if (byte !== undefined) bytes.push(byte)
        else bytes.push(...encoder.encode(letter)) // an added token's own character
      }
      return bytes
    })
    return decoder.decode(Uint8Array.from(parts.flat()))
  }

  #encodeWord(word: string): number[] {
    const bytes = Array.from(encoder.encode(word), (byte) => letters[byte]!)
    if (this.#options.wordEnd && bytes.length > 0) bytes.push(bytes.pop()! + this.#options.wordEnd)
    const ids: number[] = []
    const merged = mergeSymbols(
      bytes.map((letter) => this.#number(letter)),
      this.#rules,
    )
    for (const symbol of merged) {
      const id = this.#ids.get(this.#symbols[symbol]!) ?? this.#options.unkId
      if (id !== undefined) ids.push(id)
    }
    return ids
  }

  #number(symbol: string): number {
    let number = this.#numbers.get(symbol)
    if (number === undefined) {
      number = this.#symbols.length
      this.#symbols.push(symbol)
      this.#numbers.set(symbol, number)
    }
    return number
  }

  readonly #rules: MergeRules = {
    waits: true,
    find: (left, right) => this.#ruleOf.get(left * 2 ** 26 + right) ?? -1,
    rank: (rule) => rule,
    result: (rule) => this.#results[rule]!,
  }
}

/** The pairs of a `merges.txt`: one a line, best first; a `#version` line and blank lines are no pairs. */
export function parseMerges(text: string, where: string): [string, string][] {
  const merges: [string, string][] = []
  for (const [i, line] of text.split('\n').entries()) {
    const [left, right, ...more] = line.trim().split(/\s+/)
    if (!left || (i === 0 && left.startsWith('#version:'))) continue
    if (!right || more.length > 0)
      throw new CheckpointError(
        'merges-line',
        `${where}: line ${i + 1} has ${more.length + (right ? 2 : 1)} words; a merge is two, with a space ` +
          'between them. Download the file again.',
        { where, line: i + 1 },
      )
    merges.push([left, right])
  }
  return merges
}
