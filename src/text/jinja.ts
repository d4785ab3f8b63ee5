import { Template } from '@huggingface/jinja'
import type { FileSource } from '../checkpoint/files.ts'
import { CheckpointError, InputError } from '../tensor/errors.ts'
import { isObject, readJson, readTokenizerConfig } from './tokenizer-config.ts'

/** A message as chat templates see it: text, or parts such as `{ type: 'image' }`. */
export interface TemplateMessage {
  readonly role: string
  readonly content: string | readonly Readonly<Record<string, unknown>>[]
  readonly [field: string]: unknown
}

export interface ChatTemplateInput {
  readonly messages: readonly TemplateMessage[]
  /** Whether the prompt ends with the words that invite an answer; true by default. */
  readonly addGenerationPrompt?: boolean
  /** Anything else that the template reads: `tools`, `documents`, `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>
}

/** A Jinja template that a checkpoint ships, ready to render conversations. */
export interface ChatTemplate {
  readonly source: string
  /**
   * The prompt of a conversation. `raise_exception`, `tojson` and `strftime_now` are there, blocks are
   * trimmed as transformers does.
   * @throws InputError `chat-template-refused` with the template's own words, when it does not accept the
   * messages.
   */
  render(input: ChatTemplateInput): string
}

/**
 * A chat template from its text; `specialTokens` are the strings it knows as `bos_token`, `eos_token` and so
 * on.
 * @throws CheckpointError `chat-template-syntax`
 */
export function chatTemplate(
  source: string,
  specialTokens: Readonly<Record<string, string>> = {},
): ChatTemplate {
  let template: Template
  try {
    template = new Template(source)
  } catch (cause) {
    throw new CheckpointError(
      'chat-template-syntax',
      `The chat template (${source.length} characters) cannot be parsed: ${reason(cause)}. ` +
        'Use a built-in conversation template, or mend the text.',
      { length: source.length },
      cause,
    )
  }
  return {
    source,
    render({ messages, addGenerationPrompt = true, variables = {} }) {
      try {
        return template.render({
          ...specialTokens,
          ...variables,
          messages,
          add_generation_prompt: addGenerationPrompt,
        })
      } catch (cause) {
        const roles = messages.map(({ role }) => role)
        throw new InputError(
          'chat-template-refused',
          `The checkpoint's chat template refused messages of the roles ${roles.join(', ') || '(none)'}: ` +
            `${reason(cause)}. Most templates want user and assistant in turn, ` +
            'after at most one system message.',
          { roles },
          cause,
        )
      }
    },
  }
}

/**
 * The chat template of a checkpoint: `chat_template.jinja`, else `chat_template.json`, else `chat_template`
 * in `tokenizer_config.json`; undefined where none is shipped. Of several named ones, `name` (`default`) is
 * taken.
 * @throws CheckpointError `chat-template-name` when there are only others; `chat-template-syntax`
 */
export async function loadChatTemplate(
  files: FileSource,
  name = 'default',
): Promise<ChatTemplate | undefined> {
  const { json, named } = await readTokenizerConfig(files)
  const tokens: Record<string, string> = {}
  for (const [attribute, token] of Object.entries(named)) if (token) tokens[attribute] = token.content
  if (await files.has('chat_template.jinja'))
    return chatTemplate(new TextDecoder().decode(await files.read('chat_template.jinja')), tokens)
  const shipped = (await readJson(files, 'chat_template.json'))?.chat_template ?? json.chat_template
  if (typeof shipped === 'string') return chatTemplate(shipped, tokens)
  if (!Array.isArray(shipped) || shipped.length === 0) return undefined
  const entries = shipped.filter(isObject)
  const chosen = entries.find((entry) => entry.name === name)?.template
  if (typeof chosen === 'string') return chatTemplate(chosen, tokens)
  const known = entries.map((entry) => String(entry.name))
  throw new CheckpointError(
    'chat-template-name',
    `${files.name} ships no chat template "${name}"; it has ${known.join(', ')}. Pass one of these names.`,
    { source: files.name, name, known },
  )
}

const reason = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
