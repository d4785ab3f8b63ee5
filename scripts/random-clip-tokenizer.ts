/**
 * The files of a CLIP tokenizer of a given size: bytes, the same at a word's end, made-up merges of letters, and the two
 * special tokens last, as the published vocabulary is laid out.
 */
export function randomClipTokenizer(vocabSize: number): Record<string, string> {
  const start = '<|startoftext|>'
  const end = '<|endoftext|>'
  const merges = [...letterMerges(vocabSize - 2 * 256 - 2)]
  const pieces = [
    ...byteLetters,
    ...byteLetters.map((letter) => `${letter}</w>`),
    ...merges.map(([left, right]) => left + right),
    start,
    end,
  ]
  return {
    'vocab.json': JSON.stringify(Object.fromEntries(pieces.map((piece, id) => [piece, id]))),
    'merges.txt': `#version: 0.2\n${merges.map((pair) => pair.join(' ')).join('\n')}\n`,
    'tokenizer_config.json': JSON.stringify(
      { tokenizer_class: 'CLIPTokenizer', bos_token: start, eos_token: end, unk_token: end, pad_token: '!' },
      undefined,
      1,
    ),
  }
}

/** GPT-2's letters for the 256 bytes in CLIP's order: the printable ones first, so that '!' has the id 0. */
const byteLetters: readonly string[] = (() => {
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
  const printable = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)]
  const codes = [...printable, ...range(0x100, 0x100 + 255 - printable.length)]
  return codes.map((code) => String.fromCharCode(code))
})()

/** Pairs of letters, then words of two and three letters, then pairs of pairs: as many as are asked for. */
function* letterMerges(count: number): Generator<[left: string, right: string]> {
  const letters = [...'etaoinshrdlucmfwypvbgkjqxz']
  const pairs = letters.flatMap((a) => letters.map((b) => a + b))
  const all = [
    ...product(letters, letters),
    ...product(pairs, letters),
    ...product(letters, letters, '</w>'),
    ...product(pairs, letters, '</w>'),
    ...product(pairs, pairs),
  ]
  yield* all.slice(0, count)
}

function product(lefts: readonly string[], rights: readonly string[], ending = ''): [string, string][] {
  return lefts.flatMap((left) => rights.map((right): [string, string] => [left, right + ending]))
}
