import { CheckpointError } from '../tensor/errors.ts'

/** A token that was added beside the base vocabulary, with the flags of Hugging Face's `AddedToken`. */
export interface AddedToken {
  readonly id: number
  readonly content: string
  /** It swallows the whitespace before it. */
  readonly lstrip: boolean
  /** It swallows the whitespace after it. */
  readonly rstrip: boolean
  /** It only counts where it stands between spaces. */
  readonly singleWord: boolean
  readonly normalized: boolean
  readonly special: boolean
}

export interface EncodeOptions {
  /** Whether the begin and end tokens that the model expects are put around the text; true by default. */
  readonly addSpecial?: boolean
}

export interface DecodeOptions {
  /** Whether special tokens are left out of the text; false by default. */
  readonly skipSpecial?: boolean
}

/** Text to token ids and back, as the model's own tokenizer does it. */
export interface Tokenizer {
  /** The official class whose behaviour this is, such as `InternLM2Tokenizer`. */
  readonly className: string
  /** How many different tokens there are, added ones included: the official `len(tokenizer)`. */
  readonly size: number
  /** How many tokens the base vocabulary has: the official `vocab_size`. */
  readonly baseSize: number
  readonly bosId: number | undefined
  readonly eosId: number | undefined
  readonly padId: number | undefined
  /** Whether `encode` puts the begin token first. */
  readonly addsBos: boolean
  /**
   * Whether every stretch of text gets a leading space of its own: the official `legacy` of Llama's tokenizers, false
   * for LLaVA's. Other classes do not say so.
   */
  readonly isLegacy: boolean
  /** In order of their ids. */
  readonly addedTokens: readonly AddedToken[]
  /** The ids that `skipSpecial` leaves out. */
  readonly specialIds: ReadonlySet<number>
  /** The ids of a text; lone surrogates read as U+FFFD. */
  encode(text: string, options?: EncodeOptions): number[]
  /** The text of a sequence of ids; ids without a token (a padded embedding row) add nothing. */
  decode(ids: readonly number[], options?: DecodeOptions): string
  /** The id of a token's exact string; undefined where the vocabulary lacks it. */
  idOf(token: string): number | undefined
  /** The string of an id; undefined where the vocabulary lacks it. */
  tokenOf(id: number): string | undefined
}

/** The id of a token that the model cannot do without. @throws CheckpointError `token-missing` */
export function requiredTokenId(tokenizer: Tokenizer, token: string): number {
  const id = tokenizer.idOf(token)
  if (id === undefined)
    throw new CheckpointError(
      'token-missing',
      `The tokenizer has no token '${token}', which the model needs. Its files are of another model or incomplete.`,
      { token },
    )
  return id
}
