import { modelFile } from '../src/text/fixtures.test.ts'
import type { PieceType } from '../src/text/sentencepiece-model.ts'
import { alphabet } from '../src/train/cells/alphabet.ts'
import { questionWords } from './question-words.ts'

const pictureTokens = [
  '<img>',
  '</img>',
  '<IMG_CONTEXT>',
  '<quad>',
  '</quad>',
  '<ref>',
  '</ref>',
  '<box>',
  '</box>',
]
const chatTokens = ['<|im_start|>', '<|im_end|>']
const letters = ['\u2581', '\n', ...alphabet]
const words = questionWords.map((word) => word.replaceAll(' ', '\u2581'))

/**
 * An InternLM2 tokenizer of letters (other signs fall apart into bytes) and of the words of questions: reading is one step a
 * letter, while what is asked takes few. Chat and picture tokens stand at the end of the vocabulary.
 */
export function letterTokenizer(): {
  readonly size: number
  readonly files: Record<string, string | Uint8Array>
} {
  const base = 3 + 256 + letters.length + words.length
  const special = ['<unk>', '<s>', '</s>'].map((token, id): [number, string] => [id, token])
  for (const token of [...chatTokens, ...pictureTokens]) special.push([base + special.length - 3, token])
  const flags = { lstrip: false, normalized: false, rstrip: false, single_word: false, special: true }
  const config = {
    tokenizer_class: 'InternLM2Tokenizer',
    ...{ bos_token: '<s>', eos_token: '</s>', pad_token: '<unk>', unk_token: '<unk>' },
    clean_up_tokenization_spaces: false,
    added_tokens_decoder: Object.fromEntries(special.map(([id, content]) => [id, { content, ...flags }])),
    additional_special_tokens: [...chatTokens, ...pictureTokens],
  }
  return {
    size: base + special.length - 3,
    files: {
      'tokenizer.model': modelFile({
        type: 'bpe',
        bytes: true,
        pieces: [
          ...letters.map((letter, i): [string, number] => [letter, -i]),
          ...words.map((word): [string, number, PieceType] => [word, 0, 'user-defined']),
        ],
      }),
      'tokenizer_config.json': `${JSON.stringify(config, undefined, 1)}\n`,
    },
  }
}
