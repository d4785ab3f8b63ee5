import { CheckpointError } from '../tensor/errors.ts'
import type { ConversationTemplate } from './templates.ts'

/** How XTuner writes one turn; its trainers know what of it is learned, so the parts stay apart. */
export interface TurnTemplate {
  readonly name: string
  /** Written before the first turn where there is a system text, `{system}` for the text. */
  readonly system: string
  /** What stands before and behind a question. */
  readonly instruction: readonly [before: string, after: string]
  /** Learned at the end of an answer. */
  readonly suffix: string
  /** Whether the tokenizer's end token follows the answer, learned too. */
  readonly needsEos: boolean
  /** What stands between turns, not learned. */
  readonly separator: string
  /** Texts that end an answer. */
  readonly stopWords: readonly string[]
}

/** Source: XTuner, `utils/templates.py`; golden case `mgllava-labels`. */
export const turnTemplates: readonly TurnTemplate[] = [
  {
    name: 'vicuna',
    system:
      'A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, ' +
      "detailed, and polite answers to the user's questions. {system}\n ",
    instruction: ['USER: ', ' ASSISTANT:'],
    suffix: '',
    needsEos: true,
    separator: '\n',
    stopWords: [],
  },
  {
    name: 'phi3_chat',
    system: '<|system|>{system}<|end|>\n',
    instruction: ['<|user|>', '<|end|>\n<|assistant|>\n'],
    suffix: '<|end|>',
    needsEos: false,
    separator: '\n',
    stopWords: ['<|end|>'],
  },
  {
    name: 'llama3_chat',
    system: '<|start_header_id|>system<|end_header_id|>\n\n{system}<|eot_id|>',
    instruction: [
      '<|start_header_id|>user<|end_header_id|>\n\n',
      '<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
    ],
    suffix: '<|eot_id|>',
    needsEos: false,
    separator: '',
    stopWords: ['<|eot_id|>'],
  },
  {
    name: 'qwen_chat',
    system: '<|im_start|>system\n{system}<|im_end|>\n',
    instruction: ['<|im_start|>user\n', '<|im_end|>\n<|im_start|>assistant\n'],
    suffix: '<|im_end|>',
    needsEos: false,
    separator: '\n',
    stopWords: ['<|im_end|>', '<|endoftext|>'],
  },
]

/** @throws CheckpointError `template-unknown`, which lists the known */
export function turnTemplate(name: string): TurnTemplate {
  const template = turnTemplates.find((known) => known.name === name)
  if (template) return template
  const known = turnTemplates.map((t) => t.name)
  throw new CheckpointError(
    'template-unknown',
    `There is no turn template "${name}"; the built-in ones are ${known.join(', ')}.`,
    { name, known },
  )
}

/** The same for inference, where nothing is learned. @param eos the text of the tokenizer's end token */
export function conversationOfTurns(template: TurnTemplate, eos: string): ConversationTemplate {
  const [before, after] = template.instruction
  const end = template.suffix + (template.needsEos ? eos : '') + template.separator
  return {
    name: template.name,
    systemBlock: template.system,
    system: '',
    omitsEmptySystem: true,
    userRole: before,
    assistantRole: '',
    separators: ['', after, end],
    afterRole: '',
    separator: template.stopWords[0] ?? eos,
  }
}
