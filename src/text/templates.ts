import { InputError } from '../tensor/errors.ts'

/** A question and its answer. */
export type Turn = readonly [question: string, answer: string]

/** How a model family writes a conversation as one prompt. */
export interface ConversationTemplate {
  readonly name: string
  /** The block that the system text stands in, `{system}` for the text. */
  readonly systemBlock: string
  /** The system text that the model was trained with. */
  readonly system: string
  readonly userRole: string
  readonly assistantRole: string
  /** What follows the system block, a question, an answer. */
  readonly separators: readonly [system: string, user: string, assistant: string]
  /** What stands between a role and its text; left out, as far as it is a space, where the text is empty. */
  readonly afterRole: string
  /** What the model writes at the end of its answer: the separator as the checkpoint's code reports it. */
  readonly separator: string
  /** Set where the system block, unless its text is empty, stands inside the first question (Llama 2). */
  readonly systemInQuestion?: true
  /** Set where an empty system text leaves out the whole block. */
  readonly omitsEmptySystem?: true
  /** What stands before every question but the first. */
  readonly betweenTurns?: string
}

const internVl =
  '你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，英文名叫InternVL, 是一个有用无害的人工智能助手。'
const internVl25 =
  '你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。'

const assistantTo = (person: string): string =>
  `A chat between a curious ${person} and an artificial intelligence assistant. ` +
  `The assistant gives helpful, detailed, and polite answers to the ${person}'s questions.`

/** Roles with colons, as Vicuna was trained on them: a space after questions, `</s>` after answers. */
function vicuna(name: string, system: string): ConversationTemplate {
  return {
    name,
    systemBlock: '{system}',
    system,
    userRole: 'USER',
    assistantRole: 'ASSISTANT',
    separators: [' ', ' ', '</s>'],
    afterRole: ': ',
    separator: '</s>',
  }
}

/** Questions between [INST] and [/INST]. */
function instructions(name: string, system: string, betweenTurns: string): ConversationTemplate {
  return {
    name,
    systemBlock: '<<SYS>>\n{system}\n<</SYS>>\n\n',
    system,
    systemInQuestion: true,
    userRole: '[INST]',
    assistantRole: '',
    separators: ['', ' [/INST]', ' </s>'],
    afterRole: ' ',
    betweenTurns,
    separator: '</s>',
  }
}

/** Blocks of the form `<|im_start|>role\ntext` with one separator. */
function chatMl(name: string, system: string, separator: string): ConversationTemplate {
  return {
    name,
    systemBlock: '<|im_start|>system\n{system}',
    system,
    userRole: '<|im_start|>user\n',
    assistantRole: '<|im_start|>assistant\n',
    separators: [separator, separator, separator],
    afterRole: '',
    separator,
  }
}

/**
 * The built-in conversations. Source: `conversation.py` of OpenGVLab/InternVL and of haotian-liu/LLaVA; golden cases
 * `internvl-prompts`, `llava15-labels`.
 */
export const conversationTemplates: readonly ConversationTemplate[] = [
  chatMl('internlm2-chat', internVl, '<|im_end|>'),
  chatMl('Hermes-2', internVl, '<|im_end|>'),
  chatMl('internvl2_5', internVl25, '<|im_end|>\n'),
  {
    name: 'phi3-chat',
    systemBlock: '<|system|>\n{system}',
    system: internVl,
    userRole: '<|user|>\n',
    assistantRole: '<|assistant|>\n',
    separators: ['<|end|>', '<|end|>', '<|end|>'],
    afterRole: '',
    separator: '<|end|>',
  },
  {
    name: 'internvl_zh',
    systemBlock: '{system}',
    system: '',
    userRole: '<human>',
    assistantRole: '<bot>',
    separators: [' ', ' ', '</s>'],
    afterRole: ': ',
    separator: '</s>',
  },
  vicuna('vicuna_v1', assistantTo('user')),
  vicuna('llava_v1', assistantTo('human')),
  vicuna(
    'v1_mmtag',
    'A chat between a curious user and an artificial intelligence assistant. ' +
      'The assistant is able to understand the visual content that the user provides, ' +
      'and assist the user with a variety of tasks using natural language.' +
      'The visual content will be provided with the following format: <Image>visual content</Image>.',
  ),
  {
    name: 'llava_v0',
    systemBlock: '{system}',
    system: assistantTo('human'),
    userRole: 'Human',
    assistantRole: 'Assistant',
    separators: ['###', '###', '###'],
    afterRole: ': ',
    separator: '###',
  },
  instructions(
    'llava_llama_2',
    'You are a helpful language and vision assistant. ' +
      'You are able to understand the visual content that the user provides, ' +
      'and assist the user with a variety of tasks using natural language.',
    '<s>',
  ),
  instructions('mistral_instruct', '', ''),
  chatMl('chatml_direct', 'Answer the questions.', '<|im_end|>'),
  // Ours: a small model has no tokens to spend on who it is.
  { ...chatMl('panoptes', '', '<|im_end|>'), omitsEmptySystem: true },
  chatMl(
    'mpt',
    'A conversation between a user and an LLM-based AI assistant. ' +
      'The assistant gives helpful and honest answers.',
    '<|im_end|>',
  ),
]

/**
 * The template of a checkpoint's `template` field. @throws InputError `template-unknown`, which lists the
 * known.
 */
export function conversationTemplate(name: string): ConversationTemplate {
  const template = conversationTemplates.find((known) => known.name === name)
  if (template) return template
  const known = conversationTemplates.map((t) => t.name)
  throw new InputError(
    'template-unknown',
    `There is no conversation template "${name}"; the built-in ones are ${known.join(', ')}. ` +
      'Use one of them, or the chat_template that the checkpoint ships (loadChatTemplate).',
    { name, known },
  )
}

/** The text at which an answer ends, and whose single token stops generation. */
export function stopText(template: ConversationTemplate): string {
  return template.separator.trim()
}

/**
 * A message of a conversation; without text, or with an empty one, it is only the role that invites an
 * answer.
 */
export interface Message {
  readonly role: 'user' | 'assistant'
  readonly text?: string
}

/** Messages as one prompt. `system` replaces the template's own text. */
export function renderMessages(
  template: ConversationTemplate,
  messages: readonly Message[],
  system: string = template.system,
): string {
  const { systemInQuestion = false, betweenTurns = '', afterRole } = template
  const [afterSystem, afterUser, afterAssistant] = template.separators
  const block = template.systemBlock.replace('{system}', () => system)
  const hasBlock = !systemInQuestion && !(template.omitsEmptySystem && system === '')
  let prompt = hasBlock ? block + afterSystem : ''
  for (const [i, { role, text }] of messages.entries()) {
    const name = role === 'user' ? template.userRole : template.assistantRole
    const separator = role === 'user' ? afterUser : afterAssistant
    const opening = i === 0 && systemInQuestion && system !== '' ? block : ''
    if (i > 0 && role === 'user') prompt += betweenTurns
    prompt += text ? name + afterRole + opening + text + separator : name + afterRole.trimEnd()
  }
  return prompt
}

export interface ConversationInput {
  /** Replaces the template's system text. */
  readonly system?: string
  readonly history?: readonly Turn[]
  readonly question: string
}

/** The prompt for the answer to `question`, after `history`. */
export function renderConversation(template: ConversationTemplate, input: ConversationInput): string {
  const { system, history = [], question } = input
  const messages: Message[] = [...history, [question] as const].flatMap(([asked, answered]) => [
    { role: 'user', text: asked },
    answered === undefined ? { role: 'assistant' } : { role: 'assistant', text: answered },
  ])
  return renderMessages(template, messages, system)
}
