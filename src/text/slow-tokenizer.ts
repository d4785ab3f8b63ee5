import { anyOf, cleanUp, stripEnd, stripStart } from './python-text.ts'
import type { AddedToken, DecodeOptions, EncodeOptions, Tokenizer } from './tokenizer.ts'
import {
  type NamedToken,
  SPECIAL_NAMES,
  type SpecialName,
  type TokenizerConfig,
  withFlags,
} from './tokenizer-config.ts'

/** The base vocabulary that a slow tokenizer is built on. */
export interface Vocabulary {
  readonly size: number
  pieceOf(id: number): string | undefined
  idOf(piece: string): number | undefined
}

/** What distinguishes one official class of slow tokenizers from another. */
export interface SlowClass {
  readonly className: string
  readonly vocabulary: Vocabulary
  /** The special tokens that the class has where the configuration is silent. */
  readonly defaults: Readonly<Partial<Record<SpecialName, string>>>
  /** The ids of a stretch of text without added tokens. */
  readonly encodePart: (text: string) => number[]
  /** What happens around that: `split` takes a text with added tokens to ids. */
  readonly encodeWhole?: (
    text: string,
    split: (text: string) => number[],
    tokenizer: SlowTokenizer,
  ) => number[]
  /** Tokens to text; `isSpecial` tells which strings the vocabulary must not decode. */
  readonly join: (tokens: readonly string[], isSpecial: (token: string) => boolean) => string
  readonly addsBos: boolean
  readonly addsEos: boolean
  /** Llama's `legacy`; absent for other classes. */
  readonly isLegacy?: boolean
  /** Fixed ids where the class takes them from its vocabulary and not from the configuration. */
  readonly ids?: { readonly bos?: number | undefined; readonly eos?: number | undefined }
  /** Whether decoding puts a space around added tokens. */
  readonly spacesAroundAdded: boolean
  readonly cleansUp: boolean
}

/**
 * A tokenizer of the kind that transformers calls slow: added tokens are split out of the text first, what
 * lies between goes to the class. Ids, lengths and the spaces that decoding puts around added tokens are the
 * official ones. Source: transformers 4.45, `tokenization_utils.py`, `PreTrainedTokenizer`.
 */
export class SlowTokenizer implements Tokenizer {
  readonly className: string
  readonly size: number
  readonly baseSize: number
  readonly bosId: number | undefined
  readonly eosId: number | undefined
  readonly padId: number | undefined
  readonly unkToken: string | undefined
  readonly addsBos: boolean
  readonly isLegacy: boolean
  readonly addedTokens: readonly AddedToken[]
  readonly specialIds: ReadonlySet<number>
  readonly #class: SlowClass
  readonly #added: Map<number, AddedToken>
  readonly #addedIds: Map<string, number>
  readonly #special: ReadonlySet<string>
  /** Added tokens that decoding sets apart with spaces. */
  readonly #apart: ReadonlySet<string>
  readonly #splitter: RegExp | undefined
  /** Base ids whose string is an added token with another id. */
  readonly #renumbered = new Map<number, number>()

  constructor(official: SlowClass, config: TokenizerConfig) {
    const { vocabulary } = official
    this.#class = official
    this.className = official.className
    this.baseSize = vocabulary.size
    this.#added = new Map(config.added)
    this.#addedIds = new Map([...config.added].map(([id, { content }]) => [content, id]))

    const named = SPECIAL_NAMES.map((name): NamedToken | undefined => {
      const given = config.named[name]
      const content = given === undefined ? official.defaults[name] : given?.content
      return content === undefined ? undefined : { special: true, ...(given ?? {}), content }
    })
    const specials = [...named.filter((token) => token !== undefined), ...config.additional]
    this.size = this.#addMissing(specials)
    this.#special = new Set(specials.map(({ content }) => content))
    this.specialIds = new Set([...this.#special].map((content) => this.idOf(content)!))

    const id = (name: SpecialName) => {
      const content = named[SPECIAL_NAMES.indexOf(name)]?.content
      return content === undefined ? undefined : this.idOf(content)
    }
    this.bosId = official.ids ? official.ids.bos : id('bos_token')
    this.eosId = official.ids ? official.ids.eos : id('eos_token')
    this.padId = id('pad_token')
    this.unkToken = named[SPECIAL_NAMES.indexOf('unk_token')]?.content
    this.addsBos = official.addsBos
    this.isLegacy = official.isLegacy ?? true
    this.addedTokens = [...this.#added.values()].sort((a, b) => a.id - b.id)
    const additional = new Set(config.additional.map(({ content }) => content))
    this.#apart = new Set(
      this.addedTokens
        .filter(
          (token) =>
            !this.#special.has(token.content) || (additional.has(token.content) && token.id >= this.baseSize),
        )
        .map(({ content }) => content),
    )
    this.#splitter = config.json.split_special_tokens === true ? undefined : anyOf(this.#addedIds.keys())
    for (const [content, id] of this.#addedIds) {
      const base = vocabulary.idOf(content)
      if (base !== undefined && base !== id) this.#renumbered.set(base, id)
    }
  }

  encode(text: string, { addSpecial = true }: EncodeOptions = {}): number[] {
    const whole = text.toWellFormed()
    const split = (part: string) => this.#encodeSplit(part)
    const ids = this.#class.encodeWhole?.(whole, split, this) ?? split(whole)
    if (!addSpecial) return ids
    if (this.#class.addsBos && this.bosId !== undefined) ids.unshift(this.bosId)
    if (this.#class.addsEos && this.eosId !== undefined) ids.push(this.eosId)
    return ids
  }

  decode(ids: readonly number[], { skipSpecial = false }: DecodeOptions = {}): string {
    const isSpecial = (token: string) => this.#special.has(token)
    const parts: string[] = []
    let run: string[] = []
    for (const id of ids) {
      const token = skipSpecial && this.specialIds.has(id) ? undefined : this.tokenOf(id)
      if (token === undefined) continue
      if (!this.#apart.has(token)) {
        run.push(token)
        continue
      }
      const text = run.length > 0 ? this.#class.join(run, isSpecial) : ''
      if (text !== '') parts.push(text)
      parts.push(token)
      run = []
    }
    if (run.length > 0) parts.push(this.#class.join(run, isSpecial))
    const text = parts.join(this.#class.spacesAroundAdded ? ' ' : '')
    return this.#class.cleansUp ? cleanUp(text) : text
  }

  idOf(token: string): number | undefined {
    return this.#addedIds.get(token) ?? this.#class.vocabulary.idOf(token)
  }

  tokenOf(id: number): string | undefined {
    return this.#added.get(id)?.content ?? this.#class.vocabulary.pieceOf(id)
  }

  /** Whether a token is one of the named or additional special tokens. */
  isSpecial(token: string): boolean {
    return this.#special.has(token)
  }

  /**
   * Gives special tokens that no file numbers their ids, after all others; returns how many tokens there are.
   */
  #addMissing(specials: readonly NamedToken[]): number {
    const { vocabulary } = this.#class
    // A piece whose id an added token has taken is no longer in the vocabulary.
    const taken = new Set(this.#added.keys())
    // Each string once. Counted, not gathered: 90,000 pieces in a set take 20 ms at every load.
    let size = this.#addedIds.size
    for (let id = 0; id < vocabulary.size; id++) {
      const piece = taken.has(id) ? undefined : vocabulary.pieceOf(id)
      if (piece !== undefined && !this.#addedIds.has(piece)) size++
    }
    for (const token of specials) {
      if (this.#addedIds.has(token.content)) continue
      const known = vocabulary.idOf(token.content)
      const isPiece = known !== undefined && known < vocabulary.size && !taken.has(known)
      const id = isPiece ? known : size++
      this.#addedIds.set(token.content, id)
      this.#added.set(id, withFlags(id, { ...token, special: true }))
    }
    return size
  }

  #encodeSplit(text: string): number[] {
    const ids: number[] = []
    for (const part of this.#parts(text)) {
      const added = this.#splitter ? this.#addedIds.get(part) : undefined
      if (added !== undefined) ids.push(added)
      else if (part !== '')
        for (const id of this.#class.encodePart(part)) ids.push(this.#renumbered.get(id) ?? id)
    }
    return ids
  }

  /**
   * The text cut at added tokens, after these have taken the whitespace and the letters that their flags say.
   */
  #parts(text: string): string[] {
    if (!this.#splitter) return [text]
    const parts: string[] = []
    let end = 0
    for (const { 0: token, index } of text.matchAll(this.#splitter)) {
      if (index > end) parts.push(text.slice(end, index))
      parts.push(token)
      end = index + token.length
    }
    if (end < text.length) parts.push(text.slice(end))
    for (let i = 0; i < parts.length; i++) {
      const id = this.#addedIds.get(parts[i]!)
      if (id === undefined) continue
      const { content, lstrip, rstrip, singleWord } = this.#added.get(id)!
      const left = parts[i - 1]
      const right = parts[i + 1]
      if (rstrip && right) parts[i + 1] = stripStart(right)
      if (lstrip && left) parts[i - 1] = stripEnd(left)
      if (singleWord && left && !left.endsWith(' ')) {
        parts[i - 1] += content
        parts[i] = ''
      } else if (singleWord && right && !right.startsWith(' ')) {
        parts[i + 1] = content + parts[i + 1]!
        parts[i] = ''
      }
    }
    return parts
  }
}
