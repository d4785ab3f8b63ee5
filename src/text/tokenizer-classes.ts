import type { FileSource } from '../checkpoint/files.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { ByteBpe, parseMerges } from './byte-bpe.ts'
import { clipClean, clipWords, gpt2Words, qwen2Words } from './pre-tokenise.ts'
import { cleanUp, strip } from './python-text.ts'
import { SentencePiece } from './sentencepiece.ts'
import { SPACE_SYMBOL } from './sentencepiece-normalizer.ts'
import type { SlowClass } from './slow-tokenizer.ts'
import { readJson, type SpecialName, type TokenizerConfig } from './tokenizer-config.ts'

type Load = (source: FileSource, config: TokenizerConfig) => Promise<SlowClass>

/** The files of which a class needs all. */
const sentencePieceFiles = ['tokenizer.model'] as const
const byteBpeFiles = ['vocab.json', 'merges.txt'] as const

/** The slow tokenizers that are reproduced, under their official names: what each reads and does. */
export const slowClasses: Readonly<
  Record<string, { readonly files: readonly string[]; readonly load: Load }>
> = {
  InternLM2Tokenizer: { files: sentencePieceFiles, load: loadInternLm2 },
  LlamaTokenizer: { files: sentencePieceFiles, load: loadLlama },
  Qwen2Tokenizer: { files: byteBpeFiles, load: loadQwen2 },
  GPT2Tokenizer: { files: byteBpeFiles, load: loadGpt2 },
  CLIPTokenizer: { files: byteBpeFiles, load: loadClip },
}

/** InternLM2: SentencePiece as it stands. Source: InternVL, `tokenization_internlm2.py`. */
async function loadInternLm2(source: FileSource, { json }: TokenizerConfig): Promise<SlowClass> {
  const bytes = await source.read('tokenizer.model')
  const pieces = await SentencePiece.read(bytes, `${source.name}/tokenizer.model`)
  return {
    className: 'InternLM2Tokenizer',
    vocabulary: pieces,
    defaults: { unk_token: '<unk>', bos_token: '<s>', eos_token: '</s>', pad_token: '</s>' },
    encodePart: (text) => pieces.encode(text),
    // The official code cleans up whatever the configuration says.
    join: (tokens, isSpecial) => cleanUp(joinPieces(pieces, tokens, isSpecial, { spaceAtStart: true })),
    addsBos: flag(json, 'add_bos_token', true),
    addsEos: flag(json, 'add_eos_token', false),
    ids: { bos: pieces.bosId, eos: pieces.eosId },
    spacesAroundAdded: true,
    cleansUp: flag(json, 'clean_up_tokenization_spaces', false),
  }
}

/**
 * Llama. The legacy way gives every stretch between added tokens its own dummy prefix; the newer way
 * (`legacy` false) puts one U+2581 before the whole text. Source: transformers 4.45, `tokenization_llama.py`.
 */
async function loadLlama(source: FileSource, { json, named }: TokenizerConfig): Promise<SlowClass> {
  const legacy = flag(json, 'legacy', true, true)
  const addsPrefix = flag(json, 'add_prefix_space', true)
  const bytes = await source.read('tokenizer.model')
  const pieces = await SentencePiece.read(
    bytes,
    `${source.name}/tokenizer.model`,
    legacy ? {} : { addDummyPrefix: false },
  )
  const unk = named.unk_token === undefined ? '<unk>' : (named.unk_token?.content ?? 'None')
  const unkLength = legacy ? 0 : pieces.encode(unk).length
  const prefixId = pieces.idOf(SPACE_SYMBOL)
  const official: SlowClass = {
    className: 'LlamaTokenizer',
    vocabulary: pieces,
    defaults: { unk_token: '<unk>', bos_token: '<s>', eos_token: '</s>' },
    encodePart: (text) => {
      // SentencePiece would strip leading spaces, so they are put behind the unknown token, which is cut off
      // again.
      if (legacy || !/^[ \u2581]/.test(text)) return pieces.encode(text)
      const ids = pieces.encode(unk + text)
      return ids.length >= unkLength ? ids.slice(unkLength) : ids
    },
    join: (tokens, isSpecial) => {
      const [first = '', ...rest] = tokens
      const unprefixed = addsPrefix && first.startsWith(SPACE_SYMBOL) ? first.slice(1) : first
      return joinPieces(pieces, [unprefixed, ...rest], isSpecial, {
        spaceAtStart: false,
        spaceBefore: legacy,
        spaceAfterFirst: addsPrefix,
      })
    },
    addsBos: flag(json, 'add_bos_token', true),
    addsEos: flag(json, 'add_eos_token', false),
    spacesAroundAdded: true,
    cleansUp: flag(json, 'clean_up_tokenization_spaces', false),
    isLegacy: legacy,
  }
  if (legacy) return official
  return {
    ...official,
    encodeWhole: (text, split, tokenizer) => {
      if (text === '') return split(text)
      const spaced = text.replaceAll(SPACE_SYMBOL, ' ')
      const ids = split(addsPrefix ? SPACE_SYMBOL + spaced : spaced)
      const dropsPrefix =
        ids.length > 1 && ids[0] === prefixId && tokenizer.isSpecial(tokenizer.tokenOf(ids[1]!) ?? '')
      return dropsPrefix ? ids.slice(1) : ids
    },
  }
}

/** Where `convert_tokens_to_string` puts spaces at special tokens. */
interface SpecialSpaces {
  /** A special token at the very start has a space before it. */
  readonly spaceAtStart: boolean
  /**
   * A special token after other tokens has a space, which lands before those tokens' text; true unless given.
   */
  readonly spaceBefore?: boolean
  /** The second token, after a special first one, has a space before it unless it brings its own. */
  readonly spaceAfterFirst?: boolean
}

/** Tokens to text, where the vocabulary does not see special tokens. */
function joinPieces(
  pieces: SentencePiece,
  tokens: readonly string[],
  isSpecial: (token: string) => boolean,
  { spaceAtStart, spaceBefore = true, spaceAfterFirst = false }: SpecialSpaces,
): string {
  let text = ''
  let run: string[] = []
  let afterSpecial = false
  for (const [i, token] of tokens.entries()) {
    if (isSpecial(token)) {
      if (spaceBefore && !afterSpecial && (i > 0 || spaceAtStart)) text += ' '
      text += pieces.decode(run) + token
      run = []
      afterSpecial = true
    } else {
      if (spaceAfterFirst && afterSpecial && i === 1 && !token.startsWith(SPACE_SYMBOL)) text += ' '
      run.push(token)
      afterSpecial = false
    }
  }
  return text + pieces.decode(run)
}

/**
 * Qwen2: byte-level BPE over NFC text, nothing around it. Source: transformers 4.45, `tokenization_qwen2.py`.
 */
async function loadQwen2(source: FileSource, config: TokenizerConfig): Promise<SlowClass> {
  const endOfText = '<|endoftext|>'
  const defaults = { unk_token: endOfText, eos_token: endOfText, pad_token: endOfText }
  const bytes = await loadByteBpe(source, config, defaults, { words: qwen2Words })
  return {
    className: 'Qwen2Tokenizer',
    vocabulary: bytes,
    defaults,
    encodeWhole: (text, split) => split(text.normalize('NFC')),
    encodePart: (text) => bytes.encode(text),
    join: (tokens) => bytes.decode(tokens),
    addsBos: false,
    addsEos: false,
    spacesAroundAdded: false,
    cleansUp: false, // its decode() says so whatever the configuration
  }
}

/** GPT-2. Source: transformers 4.45, `tokenization_gpt2.py`. */
async function loadGpt2(source: FileSource, config: TokenizerConfig): Promise<SlowClass> {
  const { json } = config
  const endOfText = '<|endoftext|>'
  const defaults = { unk_token: endOfText, bos_token: endOfText, eos_token: endOfText }
  const bytes = await loadByteBpe(source, config, defaults, { words: gpt2Words })
  const prefix = flag(json, 'add_prefix_space', false) ? ' ' : ''
  return {
    className: 'GPT2Tokenizer',
    vocabulary: bytes,
    defaults,
    encodeWhole: (text, split) => split(prefix + text),
    encodePart: (text) => bytes.encode(text),
    join: (tokens) => bytes.decode(tokens),
    addsBos: flag(json, 'add_bos_token', false),
    addsEos: false,
    spacesAroundAdded: true,
    cleansUp: flag(json, 'clean_up_tokenization_spaces', true),
  }
}

/** CLIP's text tower, without ftfy. Source: transformers 4.45, `tokenization_clip.py`. */
async function loadClip(source: FileSource, config: TokenizerConfig): Promise<SlowClass> {
  const end = '<|endoftext|>'
  const defaults = { unk_token: end, bos_token: '<|startoftext|>', eos_token: end, pad_token: end }
  const bytes = await loadByteBpe(source, config, defaults, { words: clipWords, wordEnd: '</w>' })
  return {
    className: 'CLIPTokenizer',
    vocabulary: bytes,
    defaults,
    encodePart: (text) => bytes.encode(clipClean(text)),
    join: (tokens) => strip(bytes.decode(tokens).replaceAll('</w>', ' ')),
    addsBos: true,
    addsEos: true,
    spacesAroundAdded: true,
    cleansUp: flag(config.json, 'clean_up_tokenization_spaces', true),
  }
}

async function loadByteBpe(
  source: FileSource,
  { named }: TokenizerConfig,
  defaults: Partial<Record<SpecialName, string>>,
  options: { words: RegExp; wordEnd?: string },
): Promise<ByteBpe> {
  const vocab = new Map<string, number>()
  for (const [piece, id] of Object.entries((await readJson(source, 'vocab.json')) ?? {})) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0)
      throw new CheckpointError(
        'vocab-id',
        `${source.name}/vocab.json: the id of "${piece}" is no whole number.`,
        {
          source: source.name,
          piece,
        },
      )
    vocab.set(piece, id)
  }
  const text = new TextDecoder().decode(await source.read('merges.txt'))
  const unk = named.unk_token === undefined ? defaults.unk_token : named.unk_token?.content
  const unkId = unk === undefined ? undefined : vocab.get(unk)
  return new ByteBpe(vocab, parseMerges(text, `${source.name}/merges.txt`), {
    ...options,
    ...(unkId === undefined ? {} : { unkId }),
  })
}

/** A boolean of the configuration; `ifNull` is what an explicit null means: Python's falsy unless given. */
function flag(
  json: Readonly<Record<string, unknown>>,
  name: string,
  ifAbsent: boolean,
  ifNull = false,
): boolean {
  const value = json[name]
  return value === undefined ? ifAbsent : value === null ? ifNull : Boolean(value)
}
