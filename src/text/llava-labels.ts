import { InputError } from '../tensor/errors.ts'
import { encodeWithImages } from './image-ids.ts'
import { IGNORED, type LabelledSample, messagesInTurn, type SampleMessage } from './labels.ts'
import { PICTURE_PLACEHOLDER } from './picture-tokens.ts'
import { strip } from './python-text.ts'
import { type ConversationTemplate, renderMessages } from './templates.ts'
import type { Tokenizer } from './tokenizer.ts'

/** Ids with `IMAGE_ID` at each picture, and what is learned of them. */
export type LlavaSample = Pick<LabelledSample, 'inputIds' | 'labels' | 'mismatch'>

/**
 * A conversation as LLaVA's second stage trains on it: each answer and the `</s>` behind it are learned. The
 * placeholder moves to the front of its message; a first message from gpt is dropped. The official code counts the
 * tokens of each round by itself: where the sum is not the length of the whole, nothing is learned, which `mismatch`
 * tells. Source: LLaVA, `train.py`, `preprocess_multimodal` and `preprocess_v1`; golden case `llava15-labels`.
 * @param maxLength above it no count is compared
 * @throws InputError `label-roles` when human and gpt do not take turns; `label-template` for a template whose answers
 * do not end in `</s>`
 */
export function labelLlava(
  template: ConversationTemplate,
  conversation: readonly SampleMessage[],
  tokenizer: Tokenizer,
  maxLength: number,
): LlavaSample {
  const { assistantRole, afterRole, separators, separator } = template
  if (separator !== '</s>' || assistantRole === '')
    throw new InputError(
      'label-template',
      `There is no label rule for the template "${template.name}". Take vicuna_v1, llava_v1 or v1_mmtag.`,
      { template: template.name },
    )
  const moved = conversation.map((message) => ({ ...message, value: pictureFirst(message.value) }))
  const prompt = renderMessages(template, messagesInTurn(moved, false))
  const inputIds = encodeWithImages(prompt, tokenizer)
  const count = (text: string): number => encodeWithImages(text, tokenizer).length
  const invitation = separators[1] + assistantRole + afterRole
  const labels = [...inputIds]
  labels.fill(IGNORED, 0, 1)
  let at = 1
  for (const [i, round] of prompt.split(separator).entries()) {
    const parts = round.split(invitation)
    if (round === '' || parts.length !== 2) break
    // Inside the text "USER" is one piece; alone, the newer tokenizers make it two.
    const surplus = i > 0 && !tokenizer.isLegacy ? 1 : 0
    labels.fill(IGNORED, at, at + count(parts[0] + invitation) - 2 - surplus)
    at += count(round) - surplus
  }
  labels.fill(IGNORED, at)
  const real = inputIds.filter((id) => id !== (tokenizer.padId ?? 0)).length
  if (at >= maxLength || at === real) return { inputIds, labels }
  return { inputIds, labels: labels.fill(IGNORED), mismatch: { counted: at, real } }
}

/**
 * A caption as LLaVA's first stage trains on it: the picture, then the caption and a newline, which are learned. What
 * was asked is thrown away. Source: LLaVA, `preprocess_plain`; golden case `llava15-labels`.
 * @throws InputError `label-roles` unless there is one question, with a picture, and one answer
 */
export function labelCaption(conversation: readonly SampleMessage[], tokenizer: Tokenizer): LlavaSample {
  const [question, answer] = conversation
  if (conversation.length !== 2 || !question!.value.includes(PICTURE_PLACEHOLDER))
    throw new InputError(
      'label-roles',
      `A caption is one question with ${PICTURE_PLACEHOLDER} and one answer, but the sample has ` +
        `${conversation.length} messages.`,
      { found: conversation.length },
    )
  const inputIds = encodeWithImages(`${PICTURE_PLACEHOLDER}${answer!.value}\n`, tokenizer)
  const labels = [...inputIds]
  return {
    inputIds,
    labels: labels.fill(IGNORED, 0, encodeWithImages(PICTURE_PLACEHOLDER, tokenizer).length),
  }
}

/** The message with its placeholder in a line of its own at the front. */
export function pictureFirst(value: string): string {
  if (!value.includes(PICTURE_PLACEHOLDER)) return value
  const text = strip(value.replaceAll(PICTURE_PLACEHOLDER, ''))
  return strip(`${PICTURE_PLACEHOLDER}\n${text}`)
}
