import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { modelFile } from '../src/text/fixtures.test.ts'

const addedTokens = [
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
const chatTokens = [
  '<|plugin|>',
  '<|interpreter|>',
  '<|action_end|>',
  '<|action_start|>',
  '<|im_end|>',
  '<|im_start|>',
]

/**
 * Writes an InternLM2 tokenizer of a given size into a folder: bytes, letters and made-up syllables, with the chat and
 * picture tokens at the end of the vocabulary, where the published ones are.
 */
export async function writeRandomTokenizer(folder: string, vocabSize: number): Promise<void> {
  const base = vocabSize - addedTokens.length
  const count = base - 3 - 256 - chatTokens.length
  const pieces = [...syllables(count)].map((text, i): [string, number] => [text, -i])
  const unused = chatTokens.map((_, i): [string, number, 'user-defined'] => [
    `[UNUSED_TOKEN_${141 + i}]`,
    0,
    'user-defined',
  ])
  await writeFile(
    join(folder, 'tokenizer.model'),
    modelFile({ type: 'bpe', bytes: true, pieces: [...pieces, ...unused] }),
  )
  const special: [number, string][] = [
    [0, '<unk>'],
    [1, '<s>'],
    [2, '</s>'],
    ...chatTokens.map((token, i): [number, string] => [base - chatTokens.length + i, token]),
    ...addedTokens.map((token, i): [number, string] => [base + i, token]),
  ]
  const flags = { lstrip: false, normalized: false, rstrip: false, single_word: false, special: true }
  const config = {
    tokenizer_class: 'InternLM2Tokenizer',
    bos_token: '<s>',
    eos_token: '</s>',
    pad_token: '</s>',
    unk_token: '<unk>',
    clean_up_tokenization_spaces: false,
    added_tokens_decoder: Object.fromEntries(special.map(([id, content]) => [id, { content, ...flags }])),
    additional_special_tokens: [...chatTokens, ...addedTokens],
  }
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(config, undefined, 1))
}

/** The files of a Llama tokenizer of a given size: bytes, letters and made-up syllables. */
export function randomLlamaTokenizer(vocabSize: number): Record<string, string | Uint8Array> {
  const pieces = [...syllables(vocabSize - 3 - 256)].map((text, i): [string, number] => [text, -i])
  const config = {
    tokenizer_class: 'LlamaTokenizer',
    add_bos_token: true,
    add_eos_token: false,
    bos_token: '<s>',
    eos_token: '</s>',
    unk_token: '<unk>',
    pad_token: '<unk>',
    legacy: false,
    clean_up_tokenization_spaces: false,
  }
  return {
    'tokenizer.model': modelFile({ type: 'bpe', bytes: true, dummyPrefix: true, pieces }),
    'tokenizer_config.json': JSON.stringify(config, undefined, 1),
  }
}

/** Letters, then pairs and triples of letters, with and without the space in front: different texts, shortest first. */
function* syllables(count: number): Generator<string> {
  const letters = [...'etaoinshrdlucmfwypvbgkjqxz']
  const signs = [...'\u2581\n?!.,:;-0123456789ETAOINSHRDLUCMFWYPVBGKJQXZ']
  let made = 0
  let words: string[] = ['']
  for (const text of signs) if (made++ < count) yield text
  while (made < count) {
    words = words.flatMap((word) => letters.map((letter) => word + letter))
    for (const word of words) for (const text of [word, `\u2581${word}`]) if (made++ < count) yield text
  }
}
