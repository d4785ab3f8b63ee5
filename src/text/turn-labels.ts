import { InputError } from '../tensor/errors.ts'
import { IMAGE_ID } from './image-ids.ts'
import { IGNORED, type SampleMessage } from './labels.ts'
import type { LlavaSample } from './llava-labels.ts'
import { pictureFirst } from './llava-labels.ts'
import { PICTURE_PLACEHOLDER } from './picture-tokens.ts'
import type { Tokenizer } from './tokenizer.ts'
import type { TurnTemplate } from './turn-templates.ts'

/** A turn as it is tokenised: only the output and the end token are learned. */
export interface TrainingTurn {
  readonly input: string
  readonly output: string
}

/**
 * The turns of a conversation. A first message from gpt is dropped; the placeholder moves to the front of its message.
 * Source: XTuner, `llava_map_fn`, `template_map_fn`; golden case `mgllava-labels`.
 * @throws InputError `label-roles` when a question has no answer
 */
export function trainingTurns(
  template: TurnTemplate,
  conversation: readonly SampleMessage[],
): TrainingTurn[] {
  const [before, after] = template.instruction
  const turns: TrainingTurn[] = []
  let asked = ''
  const first = conversation.findIndex(({ from }) => from !== 'gpt')
  for (const { from, value } of conversation.slice(Math.max(0, first))) {
    if (from === 'human') asked += pictureFirst(value)
    else {
      turns.push({ input: before + asked + after, output: value + template.suffix })
      asked = ''
    }
  }
  if (asked === '' && turns.length > 0) return turns
  throw new InputError('label-roles', 'The conversation ends with a question that has no answer to learn.', {
    messages: conversation.length,
  })
}

/**
 * Ids and labels of a conversation, every part tokenised by itself without special tokens: the begin token at the front
 * and behind each end token, answers learned with what ends them, separators not. Source: XTuner, `encode_fn`; golden
 * case `mgllava-labels`.
 */
export function labelTurns(
  template: TurnTemplate,
  conversation: readonly SampleMessage[],
  tokenizer: Tokenizer,
  maxLength: number,
): LlavaSample {
  const inputIds: number[] = []
  const labels: number[] = []
  const write = (ids: readonly number[], isLearned: boolean): void => {
    inputIds.push(...ids)
    labels.push(...(isLearned ? ids : ids.map(() => IGNORED)))
  }
  const encode = (text: string): number[] => tokenizer.encode(text, { addSpecial: false })
  const special = (id: number | undefined): number[] => (id === undefined ? [] : [id])
  for (const [i, { input, output }] of trainingTurns(template, conversation).entries()) {
    if (i === 0 || template.needsEos) write(special(tokenizer.bosId), false)
    const [first = [], ...rest] = input.split(PICTURE_PLACEHOLDER).map(encode)
    write([...first, ...rest.flatMap((chunk) => [IMAGE_ID, ...chunk])], false)
    write(encode(output), true)
    if (template.needsEos) write(special(tokenizer.eosId), true)
    if (template.separator !== '') write(encode(template.separator), false)
  }
  return { inputIds: inputIds.slice(0, maxLength), labels: labels.slice(0, maxLength) }
}
