import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import type { FileSource } from '../checkpoint/files.ts'
import { CheckpointError } from '../tensor/errors.ts'
import type { AddedToken, DecodeOptions, EncodeOptions, Tokenizer } from './tokenizer.ts'
import { isObject, readJson, SPECIAL_NAMES, type TokenizerConfig, withFlags } from './tokenizer-config.ts'

/**
 * A tokenizer described whole by a `tokenizer.json`, run by `@huggingface/tokenizers`.
 * @throws CheckpointError `tokenizer-json` when the file is damaged or needs a part that the library lacks.
 */
export async function loadFastTokenizer(source: FileSource, config: TokenizerConfig): Promise<Tokenizer> {
  const json = await readJson(source, 'tokenizer.json')
  if (!json || !isObject(json.model)) throw unusable(source, 'it has no "model"')
  // The library takes a list of added tokens and a decoder for granted.
  const whole = {
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    added_tokens: [],
    ...json,
  }
  let library: HuggingFaceTokenizer
  try {
    library = new HuggingFaceTokenizer(whole, config.json)
  } catch (cause) {
    throw unusable(source, cause instanceof Error ? cause.message : String(cause), cause)
  }
  return new FastTokenizer(library, config)
}

class FastTokenizer implements Tokenizer {
  readonly className: string
  readonly size: number
  readonly baseSize: number
  readonly bosId: number | undefined
  readonly eosId: number | undefined
  readonly padId: number | undefined
  readonly addsBos: boolean
  readonly isLegacy: boolean
  readonly addedTokens: readonly AddedToken[]
  readonly specialIds: ReadonlySet<number>
  readonly #library: HuggingFaceTokenizer

  constructor(library: HuggingFaceTokenizer, config: TokenizerConfig) {
    this.#library = library
    const { tokenizer_class: name } = config.json
    this.className = typeof name === 'string' ? name : 'PreTrainedTokenizerFast'
    this.addedTokens = [...library.get_added_tokens_decoder().values()]
      .map(({ id, content, single_word, lstrip, rstrip, normalized, special }) =>
        withFlags(id, { content, lstrip, rstrip, normalized, special, singleWord: single_word }),
      )
      .sort((a, b) => a.id - b.id)
    this.baseSize = library.get_vocab(false).size
    this.size = library.get_vocab(true).size
    const id = (token: string | undefined) => (token === undefined ? undefined : this.idOf(token))
    this.bosId = id(config.named.bos_token?.content)
    this.eosId = id(config.named.eos_token?.content)
    this.padId = id(config.named.pad_token?.content)
    const named = [...SPECIAL_NAMES.map((name) => config.named[name]), ...config.additional]
    const special = this.addedTokens.filter((token) => token.special).map((token) => token.id)
    this.specialIds = new Set([...special, ...named.flatMap((token) => id(token?.content) ?? [])])
    this.isLegacy = config.json.legacy !== false
    this.addsBos = this.bosId !== undefined && this.encode('')[0] === this.bosId
  }

  encode(text: string, { addSpecial = true }: EncodeOptions = {}): number[] {
    return this.#library.encode(text.toWellFormed(), { add_special_tokens: addSpecial }).ids
  }

  decode(ids: readonly number[], { skipSpecial = false }: DecodeOptions = {}): string {
    const known = ids.filter(
      (id) => this.tokenOf(id) !== undefined && !(skipSpecial && this.specialIds.has(id)),
    )
    return known.length === 0 ? '' : this.#library.decode(known)
  }

  idOf(token: string): number | undefined {
    return this.#library.token_to_id(token)
  }

  tokenOf(id: number): string | undefined {
    return this.#library.id_to_token(id)
  }
}

function unusable(source: FileSource, reason: string, cause?: unknown): CheckpointError {
  return new CheckpointError(
    'tokenizer-json',
    `${source.name}/tokenizer.json cannot be used: ${reason}. Where the checkpoint also has ` +
      "tokenizer.model or vocab.json and merges.txt, pass { prefer: 'slow' }; otherwise download the file again.",
    { source: source.name },
    cause,
  )
}
