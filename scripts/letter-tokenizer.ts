import { modelFile } from '../src/text/fixtures.test.ts'
import { alphabet } from '../src/train/cells/alphabet.ts'

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

/**
 * An InternLM2 tokenizer whose every token is one letter (other signs fall apart into bytes): reading is then one step a
 * letter, and no word is longer or shorter than it looks. Chat and picture tokens stand at the end of the vocabulary.
 */
export function letterTokenizer(): {
  readonly size: number
  readonly files: Record<string, string | Uint8Array>
} {
  const base = 3 + 256 + letters.length
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
        pieces: letters.map((letter, i) => [letter, -i]),
      }),
      'tokenizer_config.json': `${JSON.stringify(config, undefined, 1)}\n`,
    },
  }
}
