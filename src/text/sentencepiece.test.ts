import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ModelFixture, modelFile } from './fixtures.test.ts'
import { SentencePiece } from './sentencepiece.ts'

const load = (fixture: ModelFixture) => new SentencePiece(modelFile(fixture), 'tokenizer.model')
const pieces = (model: SentencePiece, text: string) => model.encode(text).map((id) => model.pieceOf(id))
const letters = (text: string) => [...text].map((letter) => [letter, -100] as const)

describe('byte-pair models', () => {
  const model = load({ pieces: [...letters('abc▁'), ['ab', -1], ['bc', -2], ['▁a', -3]], bytes: true })

  test('merge the best score first', () => {
    assert.deepEqual(pieces(model, 'abc bc'), ['ab', 'c', '▁', 'bc'])
  })

  test('spell what is no piece in UTF-8 bytes', () => {
    assert.deepEqual(pieces(model, 'aé'), ['a', '<0xC3>', '<0xA9>'])
    assert.equal(model.decode(['a', '<0xC3>', '<0xA9>']), 'aé')
  })

  test('write one U+FFFD for each byte that belongs to no character', () => {
    assert.equal(model.decode(['<0xE4>', '<0xBD>', 'a', '<0xFF>']), '\ufffd\ufffda\ufffd')
  })

  test('make one unknown token of a run of unknown characters when there are no bytes', () => {
    const unbyted = load({ pieces: letters('a') })
    assert.deepEqual(unbyted.encode('xyaz'), [0, 3, 0])
  })

  test('never merge a user-defined piece, and find the longest', () => {
    const own = load({
      pieces: [...letters('ab<>'), ['<a', 0, 'user-defined'], ['<a>', 0, 'user-defined'], ['ba', -1]],
    })
    assert.deepEqual(pieces(own, 'b<a>a'), ['b', '<a>', 'a'])
    assert.deepEqual(pieces(own, '<ab'), ['<a', 'b'])
  })

  test('take an unused piece apart again', () => {
    const unused = load({ pieces: [...letters('abc'), ['ab', -1, 'unused'], ['abc', -2]] })
    assert.deepEqual(pieces(unused, 'abab'), ['a', 'b', 'a', 'b'])
    assert.deepEqual(pieces(unused, 'abc'), ['abc'])
  })

  test('merge across words where a piece does', () => {
    const crossing = load({ pieces: [...letters('ab▁'), ['a▁', -1], ['a▁b', -2]] })
    assert.deepEqual(pieces(crossing, 'a b'), ['a▁b'])
  })
})

describe('unigram models', () => {
  const model = load({
    type: 'unigram',
    pieces: [
      ['a', -1],
      ['b', -5],
      ['c', -5],
      ['ab', -3],
      ['bc', -1],
    ],
  })

  test('choose the pieces with the greatest sum', () => {
    assert.deepEqual(pieces(model, 'abc'), ['a', 'bc'])
  })

  test('use the unknown token where no piece covers a character', () => {
    assert.deepEqual(pieces(model, 'a😀b'), ['a', '<unk>', 'b'])
  })

  test('always choose a user-defined piece', () => {
    const own = load({
      type: 'unigram',
      pieces: [
        ['a', -1],
        ['b', -1],
        ['ab', 0, 'user-defined'],
      ],
    })
    assert.deepEqual(pieces(own, 'aab'), ['a', 'ab'])
  })
})

describe('normalisation', () => {
  const vocabulary = letters('ab▁')

  test('puts a dummy prefix before the text, which decoding takes off once', () => {
    const model = load({ pieces: vocabulary, dummyPrefix: true })
    assert.deepEqual(pieces(model, ' a'), ['▁', '▁', 'a'])
    assert.equal(model.decode(['▁', '▁', 'a']), ' a')
    assert.deepEqual(model.encode(''), [])
  })

  test('keeps leading spaces where there is no dummy prefix', () => {
    const model = load({ pieces: vocabulary })
    assert.equal(model.decode(pieces(model, ' a  b ') as string[]), ' a  b ')
  })

  test('removes spaces at the ends and in runs', () => {
    const model = load({ pieces: vocabulary, removeExtra: true, dummyPrefix: true })
    assert.deepEqual(pieces(model, '  a  b '), ['▁', 'a', '▁', 'b'])
    assert.deepEqual(pieces(model, '   '), [])
  })

  test('puts the dummy space at the end where the model was trained so', () => {
    const model = load({ pieces: vocabulary, dummyPrefix: true, spaceIsSuffix: true })
    assert.deepEqual(pieces(model, 'a b'), ['a', '▁', 'b', '▁'])
  })

  test('rewrites by the compiled table, but not inside user-defined pieces', () => {
    const model = load({ pieces: [...vocabulary, ['<A>', 0, 'user-defined']], charsmap: lowerCaseA() })
    assert.deepEqual(pieces(model, 'Ab<A>A'), ['a', 'b', '<A>', 'a'])
  })
})

test('control pieces have no text, the unknown piece has its surface', () => {
  const model = load({ pieces: letters('a') })
  assert.equal(model.decode(['<s>', 'a', '<unk>', 'zz', '</s>']), 'a \u2047 zz')
})

test('a file of several turns reads as it does in one', async () => {
  const many = Array.from({ length: 30_000 }, (_, i): [string, number] => [`piece ${i}`, -i])
  const bytes = modelFile({ pieces: [...letters('a'), ...many], dummyPrefix: true })
  assert.ok(bytes.length > 2 ** 18)
  const [atOnce, inTurns] = [new SentencePiece(bytes, 'm'), await SentencePiece.read(bytes, 'm')]
  assert.deepEqual(inTurns.model, atOnce.model)
  assert.deepEqual(inTurns.encode('aa'), atOnce.encode('aa'))
})

describe('files that cannot be read', () => {
  const code = (code: string) => (error: { code?: string }) => error.code === code
  test('are refused with what was found', async () => {
    const pointer = new TextEncoder().encode('version https://git-lfs.github.com/spec/v1')
    assert.throws(() => new SentencePiece(pointer, 'm'), code('sentencepiece-file'))
    assert.throws(() => new SentencePiece(new Uint8Array(0), 'm'), code('sentencepiece-file'))
    const cut = modelFile({ pieces: letters('abc') }).subarray(0, 40)
    assert.throws(() => new SentencePiece(cut, 'm'), code('sentencepiece-file'))
    for (const bytes of [pointer, new Uint8Array(0), cut])
      await assert.rejects(SentencePiece.read(bytes, 'm'), code('sentencepiece-file'))
  })
  test('name the repeated piece, the model type, the damaged table', () => {
    assert.throws(() => load({ pieces: [['a'], ['a']] }), code('sentencepiece-duplicate'))
    assert.throws(() => load({ type: 'word', pieces: [['a']] }), code('sentencepiece-model-type'))
    const charsmap = Uint8Array.of(255, 0, 0, 0, 1)
    assert.throws(() => load({ pieces: [['a']], charsmap }), code('sentencepiece-charsmap'))
  })
})

/**
 * The table of the one rule A → a: root, the unit of "A" (with a leaf) and the leaf, whose value is offset 0.
 */
function lowerCaseA(): Uint8Array {
  const units = new Uint32Array(512)
  units[0] = 256 << 10
  units[256 ^ 0x41] = (1 << 10) | 0x100 | 0x41
  units[256 ^ 0x41 ^ 1] = 0x80000000
  const size = Uint32Array.of(units.byteLength)
  return Uint8Array.from([...new Uint8Array(size.buffer), ...new Uint8Array(units.buffer), 0x61, 0])
}
