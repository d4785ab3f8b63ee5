import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { addedToken, byteFiles, type ModelFixture, memoryFiles, modelFile } from './fixtures.test.ts'
import { loadTokenizer } from './load-tokenizer.ts'

const letters = (text: string) => [...text].map((letter) => [letter, -100] as const)
const model: ModelFixture = {
  pieces: [...letters('ab▁.'), ['ab', -1], ['[U1]', 0, 'user-defined']],
  bytes: true,
}

/** A tokenizer over the model above: base ids 0–265, `[U1]` last. */
const load = (config: object, fixture: Partial<ModelFixture> = {}, files: Record<string, object> = {}) =>
  loadTokenizer(
    memoryFiles({
      'tokenizer.model': modelFile({ ...model, ...fixture }),
      'tokenizer_config.json': config,
      ...files,
    }),
  )
const internLm2 = (added: object = {}, more: object = {}) => ({
  tokenizer_class: 'InternLM2Tokenizer',
  added_tokens_decoder: added,
  ...more,
})

describe('added tokens', () => {
  test('win over the piece at their id, whose own string keeps encoding to it', async () => {
    const tokenizer = await load(internLm2({ 264: addedToken('<|im_end|>') }))
    assert.equal(tokenizer.tokenOf(264), '<|im_end|>')
    assert.equal(tokenizer.idOf('<|im_end|>'), 264)
    assert.deepEqual(tokenizer.encode('[U1]<|im_end|>'), [1, 264, 264])
    assert.equal(tokenizer.size, tokenizer.baseSize)
  })

  test('come after the base vocabulary, in order, when no file numbers them', async () => {
    const more = { eos_token: '<e>', pad_token: '<p>', additional_special_tokens: ['<x>', '</s>', '<y>'] }
    const tokenizer = await load(internLm2({}, more))
    assert.deepEqual(
      ['<e>', '<p>', '<x>', '<y>'].map((token) => tokenizer.idOf(token)),
      [265, 266, 267, 268],
    )
    assert.equal(tokenizer.size, 269)
    assert.equal(tokenizer.padId, 266)
    assert.equal(tokenizer.eosId, 2) // InternLM2 asks its vocabulary
  })

  test('swallow the whitespace that their flags name', async () => {
    const added = { 265: addedToken('<r>', { rstrip: true }), 266: addedToken('<l>', { lstrip: true }) }
    const tokenizer = await load(internLm2(added))
    assert.deepEqual(tokenizer.encode('a<r>\n \u00a0b', { addSpecial: false }), [259, 265, 260])
    assert.deepEqual(tokenizer.encode('a \n<l>b', { addSpecial: false }), [259, 266, 260])
  })

  test('that are single words stay text beside letters', async () => {
    const tokenizer = await load(internLm2({ 265: addedToken('ba', { single_word: true }) }))
    assert.deepEqual(tokenizer.encode('aba', { addSpecial: false }), [263, 259])
    assert.deepEqual(tokenizer.encode('a ba', { addSpecial: false }), [259, 261, 265])
  })

  test('are found longest first', async () => {
    const tokenizer = await load(internLm2({ 265: addedToken('<i>'), 266: addedToken('<i><i>') }))
    assert.deepEqual(tokenizer.encode('<i><i><i>', { addSpecial: false }), [266, 265])
  })

  test('are read from the older files where the configuration does not number them', async () => {
    const tokenizer = await load(
      { tokenizer_class: 'InternLM2Tokenizer' },
      {},
      {
        'added_tokens.json': { '<img>': 265, '<plain>': 266 },
        'special_tokens_map.json': {
          additional_special_tokens: ['<img>'],
          pad_token: { content: '<plain>' },
        },
      },
    )
    assert.deepEqual(tokenizer.encode('<img><plain>'), [1, 265, 266])
    assert.equal(tokenizer.padId, 266)
    assert.equal(tokenizer.decode([1, 265, 259], { skipSpecial: true }), 'a')
  })
})

describe('Llama', () => {
  const llama = (more: object) => ({ tokenizer_class: 'LlamaTokenizer', ...more })
  const added = { added_tokens_decoder: { 265: addedToken('<x>') }, additional_special_tokens: ['<x>'] }

  test('legacy gives every stretch of text its own dummy prefix', async () => {
    const tokenizer = await load(llama({ ...added, legacy: true }), { dummyPrefix: true })
    assert.deepEqual(tokenizer.encode('a<x>b'), [1, 261, 259, 265, 261, 260])
  })

  test('otherwise one prefix stands before the whole text, unless a special token is first', async () => {
    const tokenizer = await load(llama({ ...added, legacy: false }), { dummyPrefix: true })
    assert.deepEqual(tokenizer.encode('a<x>b'), [1, 261, 259, 265, 260])
    assert.deepEqual(tokenizer.encode('<x>b'), [1, 265, 260])
    assert.deepEqual(tokenizer.encode(' a'), [1, 261, 261, 259])
    assert.deepEqual(tokenizer.encode(''), [1])
  })

  test('puts the tokens around the text that the configuration says', async () => {
    const tokenizer = await load(llama({ add_bos_token: false, add_eos_token: true }))
    assert.deepEqual(tokenizer.encode('a'), [259, 2])
    assert.equal(tokenizer.addsBos, false)
    assert.deepEqual(tokenizer.encode('a', { addSpecial: false }), [259])
  })
})

describe('decoding', () => {
  test("puts spaces around added tokens as InternLM2's class does, and cleans up", async () => {
    const more = { additional_special_tokens: ['<x>'] }
    const tokenizer = await load(internLm2({ 265: addedToken('<x>') }, more))
    assert.equal(tokenizer.decode([1, 259, 265, 260]), ' <s>a <x> b')
    assert.equal(tokenizer.decode([1, 259, 265, 260], { skipSpecial: true }), 'ab')
    assert.equal(tokenizer.decode([259, 261, 262]), 'a.')
  })

  test('passes over ids that have no token', async () => {
    const tokenizer = await load(internLm2())
    assert.equal(tokenizer.decode([259, 99_999, -1, 260]), 'ab')
    assert.equal(tokenizer.decode([]), '')
  })

  test('gives back any text, byte by byte where need be', async () => {
    const tokenizer = await load(internLm2())
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const decoded = tokenizer.decode(tokenizer.encode(text), { skipSpecial: true })
        // What clean-up and the vocabulary itself change.
        fc.pre(!/ [.?!,']| n't|<s>|<\/s>|<unk>|▁/.test(text))
        assert.equal(decoded, text)
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

describe('byte-level classes', () => {
  const qwen = { tokenizer_class: 'Qwen2Tokenizer', added_tokens_decoder: { 300: addedToken('<|im_end|>') } }

  test('Qwen2 normalises to NFC and puts nothing around the text', async () => {
    const tokenizer = await loadTokenizer(memoryFiles(byteFiles(['Ã ©'], qwen)))
    assert.deepEqual(tokenizer.encode('e\u0301<|im_end|>'), [256, 300])
    assert.equal(tokenizer.decode([256, 300]), 'é<|im_end|>')
  })

  test('read lone surrogates as U+FFFD', async () => {
    const tokenizer = await loadTokenizer(memoryFiles(byteFiles([], qwen)))
    assert.equal(tokenizer.decode(tokenizer.encode('a\ud83d')), 'a\ufffd')
  })

  test('give back any NFC text', async () => {
    const tokenizer = await loadTokenizer(memoryFiles(byteFiles(['h e', 'l l', 'Ġ t'], qwen)))
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const normal = text.normalize('NFC')
        assert.equal(tokenizer.decode(tokenizer.encode(text)), normal)
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  test('CLIP lowers the case and puts both its tokens around the text', async () => {
    const files = byteFiles([], { tokenizer_class: 'CLIPTokenizer' })
    const vocab = files['vocab.json'] as Record<string, number>
    Object.assign(vocab, { '<|startoftext|>': 256, '<|endoftext|>': 257, 'a</w>': 258 })
    const tokenizer = await loadTokenizer(memoryFiles(files))
    assert.deepEqual(tokenizer.encode('A'), [256, 258, 257])
    assert.equal(tokenizer.decode([256, 258, 257], { skipSpecial: true }), 'a')
  })

  test('a megabyte is encoded in seconds, words or not', async () => {
    const tokenizer = await loadTokenizer(memoryFiles(byteFiles(['a b', 'ab ab'], qwen)))
    const start = process.cpuUsage() // other programs may have the processor
    assert.equal(tokenizer.encode('ab'.repeat(500_000)).length, 250_000)
    assert.equal(tokenizer.encode('ab ba\n'.repeat(170_000)).length, 170_000 * 5)
    assert.ok(process.cpuUsage(start).user < 20e6) // measured: 0.9 s
  })
})

describe('choosing files', () => {
  const fast = {
    version: '1.0',
    added_tokens: [{ id: 2, ...addedToken('<s>') }],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: 'BPE', unk_token: null, vocab: { a: 0, b: 1 }, merges: [] },
  }

  test('reads tokenizer.json for fast classes and for slow ones that are not reproduced', async () => {
    for (const tokenizer_class of ['FooTokenizerFast', 'FooTokenizer']) {
      const files = memoryFiles({ 'tokenizer.json': fast, 'tokenizer_config.json': { tokenizer_class } })
      const tokenizer = await loadTokenizer(files)
      assert.deepEqual(tokenizer.encode('ab<s>'), [0, 1, 2])
      assert.equal(tokenizer.decode([2, 0, 1], { skipSpecial: true }), 'ab')
      assert.equal(tokenizer.decode([]), '')
    }
  })

  test("reads a reproduced slow class's own files beside tokenizer.json, unless told otherwise", async () => {
    const files = memoryFiles({
      'tokenizer.json': fast,
      'tokenizer.model': modelFile(model),
      'tokenizer_config.json': { tokenizer_class: 'LlamaTokenizer' },
    })
    assert.equal((await loadTokenizer(files)).size, 265)
    assert.equal((await loadTokenizer(files, { prefer: 'fast' })).size, 3)
    assert.equal(
      (await loadTokenizer(files, { className: 'InternLM2Tokenizer' })).className,
      'InternLM2Tokenizer',
    )
  })

  test('takes the class from the files where the configuration names none', async () => {
    const sentencePiece = await loadTokenizer(memoryFiles({ 'tokenizer.model': modelFile(model) }))
    assert.equal(sentencePiece.className, 'LlamaTokenizer')
    const { 'tokenizer_config.json': _, ...files } = byteFiles([], {})
    assert.equal((await loadTokenizer(memoryFiles(files))).className, 'GPT2Tokenizer')
  })

  test('says which class or file is missing', async () => {
    const of = (files: Parameters<typeof memoryFiles>[0]) => loadTokenizer(memoryFiles(files))
    const config = (name: string) => ({ 'tokenizer_config.json': { tokenizer_class: name } })
    await assert.rejects(of(config('FooTokenizer')), { code: 'tokenizer-class' })
    await assert.rejects(of({ ...config('Qwen2Tokenizer'), 'vocab.json': {} }), {
      code: 'tokenizer-missing',
      message: /lacks merges\.txt/,
    })
    await assert.rejects(of({ 'tokenizer_config.json': '[' }), { code: 'tokenizer-config' })
    await assert.rejects(of({ 'tokenizer_config.json': '[]' }), { code: 'tokenizer-config' })
    await assert.rejects(of({ ...config('XFast'), 'tokenizer.json': { model: { type: '?' } } }), {
      code: 'tokenizer-json',
    })
  })
})
