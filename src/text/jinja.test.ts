import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryFiles } from './fixtures.test.ts'
import { chatTemplate, loadChatTemplate } from './jinja.ts'

const messages = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello' },
]
const chatMl = `{% for m in messages %}
<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}
{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`

test('renders messages with trimmed blocks', () => {
  const rendered = chatTemplate(chatMl).render({ messages })
  assert.equal(
    rendered,
    '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>assistant\n',
  )
  assert.ok(
    chatTemplate(chatMl).render({ messages, addGenerationPrompt: false }).endsWith('Hello<|im_end|>\n'),
  )
})

test('knows special tokens, other variables, tojson and strftime_now', () => {
  const template = chatTemplate("{{ bos_token }}{{ tools | tojson }}{{ strftime_now('%Y') | length }}", {
    bos_token: '<s>',
  })
  assert.equal(template.render({ messages: [], variables: { tools: [{ a: 1 }] } }), '<s>[{"a": 1}]4')
})

test("passes on the template's own refusal", () => {
  const template = chatTemplate("{{ raise_exception('System role not supported') }}")
  const refused = {
    code: 'chat-template-refused',
    message: /roles user, assistant: .*System role not supported/,
  }
  assert.throws(() => template.render({ messages }), refused)
})

test('says that a template cannot be parsed', () => {
  assert.throws(() => chatTemplate('{% for x in %}'), { code: 'chat-template-syntax' })
})

test('is loaded from its own file first, then from JSON, then from the configuration', async () => {
  const config = { chat_template: 'config {{ eos_token }}', eos_token: { content: '</s>' } }
  const load = async (files: object) =>
    (await loadChatTemplate(memoryFiles({ ...files })))?.render({ messages })
  const json = { 'chat_template.json': { chat_template: 'json' }, 'tokenizer_config.json': config }
  assert.equal(await load({ ...json, 'chat_template.jinja': 'file {{ eos_token }}' }), 'file </s>')
  assert.equal(await load(json), 'json')
  assert.equal(await load({ 'tokenizer_config.json': config }), 'config </s>')
  assert.equal(await load({ 'tokenizer_config.json': {} }), undefined)
})

test('is chosen by name where several are shipped', async () => {
  const chat_template = [
    { name: 'default', template: 'plain' },
    { name: 'tool_use', template: 'tools' },
  ]
  const files = memoryFiles({ 'tokenizer_config.json': { chat_template } })
  assert.equal((await loadChatTemplate(files))?.source, 'plain')
  assert.equal((await loadChatTemplate(files, 'tool_use'))?.source, 'tools')
  await assert.rejects(loadChatTemplate(files, 'rag'), {
    code: 'chat-template-name',
    message: /default, tool_use/,
  })
})
