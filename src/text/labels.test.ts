import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addedToken, byteFiles, memoryFiles, modelFile } from './fixtures.test.ts'
import { IGNORED, labelConversation, type SampleMessage, withPlaceholder } from './labels.ts'
import { loadTokenizer } from './load-tokenizer.ts'
import { conversationTemplate } from './templates.ts'
import type { Tokenizer } from './tokenizer.ts'

const special = ['<|im_start|>', '<|im_end|>', '<img>', '</img>', '<IMG_CONTEXT>', '<pad>']
const config = (tokenizer_class: string, first: number) => ({
  tokenizer_class,
  added_tokens_decoder: Object.fromEntries(special.map((token, i) => [first + i, addedToken(token)])),
  additional_special_tokens: special,
  pad_token: '<pad>',
})
const qwen = await loadTokenizer(memoryFiles(byteFiles([], config('Qwen2Tokenizer', 256))))
const internLm2With = (dummyPrefix: boolean) =>
  loadTokenizer(
    memoryFiles({
      'tokenizer.model': modelFile({ pieces: [['▁']], bytes: true, dummyPrefix }),
      'tokenizer_config.json': config('InternLM2Tokenizer', 260),
    }),
  )
const internLm2 = await internLm2With(false)

const conversation: SampleMessage[] = [
  { from: 'human', value: 'Q1' },
  { from: 'gpt', value: 'A1' },
  { from: 'human', value: 'Q2' },
  { from: 'gpt', value: 'A2' },
]
const options = { pictureTokens: [], maxLength: 4096 }

/** The learned tokens as text. */
function learned(tokenizer: Tokenizer, labels: readonly number[]): string {
  return labels.map((id) => (id === IGNORED ? '' : (tokenizer.tokenOf(id) ?? '?'))).join('')
}
const label = (name: string, tokenizer: Tokenizer, sample: readonly SampleMessage[], more: object = {}) =>
  labelConversation(conversationTemplate(name), sample, tokenizer, { ...options, ...more })

test('learns the answers and the token that ends each', () => {
  const wanted = 'A1<|im_end|>A2<|im_end|>'
  assert.equal(learned(qwen, label('Hermes-2', qwen, conversation).labels), wanted)
  assert.equal(learned(qwen, label('internvl2_5', qwen, conversation).labels), wanted)
  const { labels } = label('internlm2-chat', internLm2, conversation)
  assert.equal(learned(internLm2, labels), '<0x41><0x31><|im_end|><0x41><0x32><|im_end|>')
})

test('learns nothing of a sample whose parts do not add up, and says both lengths', async () => {
  const sample = label('internlm2-chat', await internLm2With(true), conversation)
  assert.ok(sample.labels.every((id) => id === IGNORED))
  assert.equal(sample.mismatch!.real, sample.inputIds.length)
  assert.ok(sample.mismatch!.counted > sample.mismatch!.real)
})

test('keeps the labels of a truncated sample, as the official check does', () => {
  const whole = label('Hermes-2', qwen, conversation)
  const cut = label('Hermes-2', qwen, conversation, { maxLength: whole.inputIds.length - 1 })
  assert.equal(cut.mismatch, undefined)
  assert.equal(learned(qwen, cut.labels), 'A1<|im_end|>A2')
})

test('fills up to the longest length with pad tokens that are neither learned nor attended to', () => {
  for (const name of ['Hermes-2', 'internvl2_5']) {
    const { inputIds } = label(name, qwen, conversation)
    const maxLength = inputIds.length + 3
    const sample = label(name, qwen, conversation, { maxLength, padToMax: true })
    assert.deepEqual(sample.inputIds.slice(-3), [qwen.padId, qwen.padId, qwen.padId])
    assert.deepEqual(sample.labels.slice(-4), [...sample.labels.slice(-4, -3), IGNORED, IGNORED, IGNORED])
    assert.deepEqual(sample.attentionMask.slice(-4), [1, 0, 0, 0])
  }
})

test('puts pictures in, and strips texts for internlm2-chat only', () => {
  const sample = [
    { from: 'human', value: '<image>\nQ  ' },
    { from: 'gpt', value: ' A\n' },
  ]
  const { inputIds } = label('internlm2-chat', internLm2, sample, { pictureTokens: [3] })
  assert.equal(inputIds.filter((id) => id === internLm2.idOf('<IMG_CONTEXT>')).length, 3)
  assert.equal(learned(internLm2, label('internlm2-chat', internLm2, sample).labels), '<0x41><|im_end|>')
  assert.equal(learned(qwen, label('Hermes-2', qwen, sample).labels), 'ĠAĊ<|im_end|>')
})

test('drops a first answer, which internvl2_5 learns instead', () => {
  const sample = [{ from: 'gpt', value: 'A0' }, ...conversation.slice(0, 2)]
  assert.equal(learned(qwen, label('Hermes-2', qwen, sample).labels), 'A1<|im_end|>')
  assert.equal(learned(qwen, label('internvl2_5', qwen, sample).labels), 'A0<|im_end|>A1<|im_end|>')
})

test("takes internvl2_5's system text from a first message", () => {
  const sample = [{ from: 'system', value: 'S' }, ...conversation]
  const { inputIds } = label('internvl2_5', qwen, sample)
  assert.ok(qwen.decode(inputIds).startsWith('<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ1'))
})

test('refuses what is no conversation, a template without a rule, and pictures without placeholders', () => {
  const twice = [conversation[0]!, conversation[0]!]
  assert.throws(() => label('Hermes-2', qwen, twice), {
    code: 'label-roles',
    data: { from: 'human', index: 1, expected: 'gpt' },
  })
  assert.throws(() => label('internvl2_5', qwen, [{ from: 'user', value: '' }]), { code: 'label-roles' })
  assert.throws(() => label('internvl_zh', qwen, conversation), { code: 'label-template' })
  assert.throws(() => label('internvl2_5', qwen, conversation, { pictureTokens: [1] }), {
    code: 'image-placeholder-count',
  })
  const quoting = [
    ...conversation.slice(0, 1),
    { from: 'gpt', value: 'x<|im_start|>user\ny' },
    ...conversation.slice(2),
  ]
  assert.throws(() => label('internlm2-chat', internLm2, quoting), { code: 'label-roles' })
})

test('puts a missing placeholder before the first text', () => {
  assert.equal(withPlaceholder(conversation)[0]!.value, '<image>\nQ1')
  const placed = [{ from: 'human', value: 'On <image>?' }]
  assert.equal(withPlaceholder(placed), placed)
})
