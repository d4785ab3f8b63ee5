import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chatPrompt, expandPictures, pictureSpan } from './picture-tokens.ts'
import { conversationTemplate, renderConversation, renderMessages, stopText } from './templates.ts'

const chat = conversationTemplate('internlm2-chat')

describe('conversations', () => {
  test('end with the role that invites the answer', () => {
    assert.equal(
      renderConversation(chat, { system: 'S', history: [['Q1', 'A1']], question: 'Q2' }),
      '<|im_start|>system\nS<|im_end|><|im_start|>user\nQ1<|im_end|><|im_start|>assistant\nA1<|im_end|>' +
        '<|im_start|>user\nQ2<|im_end|><|im_start|>assistant\n',
    )
  })

  test('use the system text of the template unless another is given, the empty one included', () => {
    assert.match(renderConversation(chat, { question: 'Q' }), /书生多模态大模型/)
    assert.match(renderConversation(conversationTemplate('internvl2_5'), { question: 'Q' }), /书生·万象/)
    assert.match(
      renderConversation(chat, { system: '', question: 'Q' }),
      /^<\|im_start\|>system\n<\|im_end\|>/,
    )
    assert.match(renderConversation(chat, { system: "$& $'", question: 'Q' }), /system\n\$& \$'</)
  })

  test('of internvl_zh put colons after roles, and a space or </s> after texts', () => {
    const template = conversationTemplate('internvl_zh')
    const prompt = renderConversation(template, { history: [['Q', 'A']], question: 'R' })
    assert.equal(prompt, ' <human>: Q <bot>: A</s><human>: R <bot>:')
  })

  test('write a message without text as its role alone', () => {
    const messages = [{ role: 'user', text: '' }, { role: 'assistant' }] as const
    assert.equal(
      renderMessages(chat, messages, 'S').split('<|im_end|>')[1],
      '<|im_start|>user\n<|im_start|>assistant\n',
    )
  })

  test('stop at the separator without its newline', () => {
    assert.equal(stopText(conversationTemplate('internvl2_5')), '<|im_end|>')
    assert.equal(stopText(conversationTemplate('phi3-chat')), '<|end|>')
  })

  test('of an unknown name are refused with the known names', () => {
    assert.throws(() => conversationTemplate('vicuna'), {
      code: 'template-unknown',
      message: /Hermes-2, internvl2_5/,
    })
  })
})

describe('pictures in a prompt', () => {
  const lastTurn = (prompt: string) => prompt.split('<|im_start|>user\n').at(-1)!.split('<|im_end|>')[0]

  test('stand where their placeholders were, in order', () => {
    assert.equal(expandPictures('a<image>b<image>', [1, 2]), `a${pictureSpan(1)}b${pictureSpan(2)}`)
    assert.equal(pictureSpan(2), '<img><IMG_CONTEXT><IMG_CONTEXT></img>')
  })

  test('that miss a placeholder or have one too many are refused with both counts', () => {
    const data = { found: 1, expected: 2 }
    assert.throws(() => expandPictures('<image>', [1, 2]), { code: 'image-placeholder-count', data })
    assert.throws(() => expandPictures('<image>', []), { code: 'image-placeholder-count' })
    assert.equal(expandPictures('<image><image>', [1], { mismatch: 'keep' }), `${pictureSpan(1)}<image>`)
    assert.equal(expandPictures('x', [1], { mismatch: 'keep' }), 'x')
  })

  test('are put before a first question that has no placeholder', () => {
    assert.equal(lastTurn(chatPrompt(chat, { question: 'What?' }, [1])), `${pictureSpan(1)}\nWhat?`)
    assert.equal(lastTurn(chatPrompt(chat, { question: 'On <image>?' }, [1])), `On ${pictureSpan(1)}?`)
    assert.equal(lastTurn(chatPrompt(chat, { question: 'What?' }, [])), 'What?')
  })

  test('of earlier turns are passed again and go to the history', () => {
    const prompt = chatPrompt(chat, { history: [['<image>\nQ', 'A']], question: 'R' }, [2])
    assert.ok(prompt.includes(`user\n${pictureSpan(2)}\nQ`))
    assert.equal(lastTurn(prompt), 'R')
    assert.throws(() => chatPrompt(chat, { history: [['<image>\nQ', 'A']], question: 'R' }, []))
  })
})
