import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteBpe, parseMerges } from './byte-bpe.ts'
import { byteLetters } from './fixtures.test.ts'
import { clipClean, gpt2Words, qwen2Words } from './pre-tokenise.ts'

const vocab = new Map([...byteLetters.map((letter, id) => [letter, id] as const), ['Ġa', 256], ['Ã©', 257]])

test('merges the bytes of a word, spaces being letters too', () => {
  const bpe = new ByteBpe(vocab, [['Ġ', 'a']], { words: gpt2Words })
  assert.deepEqual(bpe.encode('a a'), [97, 256])
  assert.equal(bpe.decode(['a', 'Ġa']), 'a a')
})

test('merges the bytes of one character', () => {
  const bpe = new ByteBpe(vocab, [['Ã', '©']], { words: gpt2Words })
  assert.deepEqual(bpe.encode('é'), [257])
})

test('decodes bytes that form no character as U+FFFD and keeps a byte order mark', () => {
  const bpe = new ByteBpe(vocab, [], { words: gpt2Words })
  assert.equal(bpe.decode([byteLetters[0xe4]!, byteLetters[0xbd]!, 'a']), '\ufffda')
  assert.equal(bpe.decode(bpe.encode('\ufeffa').map((id) => bpe.pieceOf(id)!)), '\ufeffa')
})

test('gives the unknown id for a merge that is not in the vocabulary, or drops it', () => {
  const merges = [['x', 'y']] as const
  assert.deepEqual(new ByteBpe(vocab, merges, { words: gpt2Words, unkId: 7 }).encode('xy'), [7])
  assert.deepEqual(new ByteBpe(vocab, merges, { words: gpt2Words }).encode('xy'), [])
})

test('marks the end of words where the vocabulary does', () => {
  const marked = new Map([...vocab, ['b</w>', 300], ['ab</w>', 301]])
  const bpe = new ByteBpe(marked, [['a', 'b</w>']], { words: /\w+/g, wordEnd: '</w>' })
  assert.deepEqual(bpe.encode('ab bb'), [301, 98, 300])
})

test('reads merges with and without a version line and blank lines', () => {
  assert.deepEqual(parseMerges('#version: 0.2\na b\n\nab c\r\n', 'm'), [
    ['a', 'b'],
    ['ab', 'c'],
  ])
  assert.throws(() => parseMerges('a b\na b c\n', 'merges.txt'), { code: 'merges-line' })
})

test('cuts words as Qwen2 does: single digits, punctuation with newlines, contractions in any case', () => {
  assert.deepEqual("It'S 12 é!\n\n  x".match(qwen2Words), [
    'It',
    "'S",
    ' ',
    '1',
    '2',
    ' é',
    '!\n\n',
    ' ',
    ' x',
  ])
  assert.deepEqual('a\ufeff\u0085b'.match(qwen2Words), ['a', '\ufeff', '\u0085b'])
})

test('cuts words as GPT-2 does: runs of digits with their space, no contraction in capitals', () => {
  assert.deepEqual("It'S 12!\n\nx".match(gpt2Words), ['It', "'", 'S', ' 12', '!', '\n', '\n', 'x'])
})

test('cleans text as CLIP does', () => {
  assert.equal(clipClean('  A\u0000 Cafe\u0301\t猫!'), 'a café 猫 !')
})
