import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addedToken, byteFiles, memoryFiles, modelFile } from './fixtures.test.ts'
import { loadTokenizer } from './load-tokenizer.ts'
import { StreamDecoder, type StreamDecoderOptions } from './stream-decoder.ts'
import type { Tokenizer } from './tokenizer.ts'

const qwen = {
  tokenizer_class: 'Qwen2Tokenizer',
  added_tokens_decoder: { 300: addedToken('<|im_end|>') },
  additional_special_tokens: ['<|im_end|>'],
}
const bytes = await loadTokenizer(memoryFiles(byteFiles([], qwen)))
const pieces = [..."abt .'▁"].map((letter) => [letter, -9] as const)
const llama = await loadTokenizer(
  memoryFiles({
    'tokenizer.model': modelFile({
      pieces: [...pieces, ['▁a', -1]],
      bytes: true,
      dummyPrefix: true,
      removeExtra: true,
    }),
    'tokenizer_config.json': { tokenizer_class: 'LlamaTokenizer' },
  }),
)
const internLm2 = await loadTokenizer(
  memoryFiles({
    'tokenizer.model': modelFile({ pieces, bytes: true }),
    'tokenizer_config.json': { tokenizer_class: 'InternLM2Tokenizer' },
  }),
)

/** What each token of the text's encoding releases, and what the flush does. */
function stream(tokenizer: Tokenizer, ids: readonly number[], options?: StreamDecoderOptions): string[] {
  const decoder = new StreamDecoder(tokenizer, options)
  return [...ids.map((id) => decoder.push(id)), decoder.flush()]
}

test('holds one cluster back, until the next begins or the text ends', () => {
  assert.deepEqual(stream(bytes, bytes.encode('abc')), ['', 'a', 'b', 'c'])
})

test('releases a newline at once, as nothing can join it', () => {
  assert.deepEqual(stream(bytes, bytes.encode('a\nb')), ['', 'a\n', '', 'b'])
})

test('never splits a character or a cluster', () => {
  const family = '👨‍👩‍👧'
  const parts = stream(bytes, bytes.encode(`é${family}!`)).filter((part) => part !== '')
  assert.deepEqual(parts, ['é', family, '!'])
})

test('shows bytes that never became a character as U+FFFD', () => {
  assert.equal(stream(bytes, [0xe4, 0xbd, 97]).join(''), '\ufffda')
  assert.equal(stream(bytes, Array<number>(40).fill(0xbd)).join(''), '\ufffd'.repeat(40))
})

test('ends before a stop string, of which it shows no beginning', () => {
  const decoder = new StreamDecoder(bytes, { stop: ['END', 'N!'] })
  assert.deepEqual(
    bytes
      .encode('aENxEN')
      .map((id) => decoder.push(id))
      .join(''),
    'aENx',
  )
  assert.equal(decoder.push(68), '')
  assert.equal(decoder.stopped, 'END')
  assert.equal(decoder.push(97) + decoder.flush(), '')
})

test('releases a beginning of a stop string that came to nothing', () => {
  assert.equal(stream(bytes, bytes.encode('EN'), { stop: ['END'] }).join(''), 'EN')
})

test('finds the first of several stop strings in one token', () => {
  const decoder = new StreamDecoder(bytes, { stop: ['c', 'bc'] })
  assert.equal(
    bytes
      .encode('abc')
      .map((id) => decoder.push(id))
      .join('') + decoder.flush(),
    'a',
  )
  assert.equal(decoder.stopped, 'bc')
})

test('shows special tokens as they are where they are asked for', () => {
  const ids = [...bytes.encode('a'), 300, ...bytes.encode('b')]
  assert.equal(stream(bytes, ids).join(''), 'ab')
  assert.equal(stream(bytes, ids, { skipSpecial: false }).join(''), 'a<|im_end|>b')
})

test('lets an endless cluster through in parts', () => {
  const parts = stream(bytes, bytes.encode(`a${'\u0301'.repeat(400)}`.normalize('NFD')))
  assert.ok(Math.max(...parts.map((part) => part.length)) < 200)
})

test('a stop string in long output is found however slowly it comes', () => {
  const text = `${'ab '.repeat(300)}STOP`
  const out = stream(bytes, bytes.encode(text), { stop: ['STOP'] }).join('')
  assert.equal(out, 'ab '.repeat(300))
})

for (const [name, tokenizer] of Object.entries({ bytes, llama, internLm2 }))
  test(`all pieces together are the decoded text, whatever the tokens (${name})`, () => {
    const special = tokenizer.specialIds
    const common = tokenizer.encode(" a'b t. 你é👩", { addSpecial: false })
    const id = fc.oneof(fc.nat({ max: tokenizer.size - 1 }), fc.constantFrom(...common))
    fc.assert(
      fc.property(fc.array(id, { maxLength: 120 }), (tokens) => {
        const ids = tokens.filter((token) => !special.has(token))
        assert.equal(stream(tokenizer, ids).join(''), tokenizer.decode(ids, { skipSpecial: true }))
      }),
      { seed: 1, numRuns: 300 },
    )
  })
