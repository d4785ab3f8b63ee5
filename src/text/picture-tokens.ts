import { InputError } from '../tensor/errors.ts'
import { type ConversationInput, type ConversationTemplate, renderConversation } from './templates.ts'

/** What a question writes where a picture belongs. */
export const PICTURE_PLACEHOLDER = '<image>'

/** The strings around and for the visual tokens of InternVL. */
export const PICTURE_TOKENS = { start: '<img>', context: '<IMG_CONTEXT>', end: '</img>' } as const

/** The span that stands for a picture of `count` visual tokens. */
export function pictureSpan(count: number): string {
  return PICTURE_TOKENS.start + PICTURE_TOKENS.context.repeat(count) + PICTURE_TOKENS.end
}

export interface ExpandOptions {
  /**
   * What happens when placeholders and pictures differ in number: an error by default; `keep` does what the
   * official code does, which leaves spare placeholders as text and drops spare pictures.
   */
  readonly mismatch?: 'error' | 'keep'
}

/**
 * The prompt with each `<image>`, in order, replaced by its picture's span; `counts` are the visual tokens of
 * each.
 * @throws InputError `image-placeholder-count` when there are more or fewer placeholders than pictures.
 */
export function expandPictures(
  prompt: string,
  counts: readonly number[],
  options: ExpandOptions = {},
): string {
  const parts = prompt.split(PICTURE_PLACEHOLDER)
  const found = parts.length - 1
  const expected = counts.length
  if (found !== expected && options.mismatch !== 'keep')
    throw new InputError(
      'image-placeholder-count',
      `The conversation has ${found} ${PICTURE_PLACEHOLDER} placeholders but ` +
        `${expected} pictures were given. ` +
        'Write one placeholder for each picture, and pass the pictures of earlier turns again, in order.',
      { found, expected },
    )
  let expanded = parts[0]!
  for (const [i, part] of parts.slice(1).entries()) {
    const count = counts[i]
    expanded += (count === undefined ? PICTURE_PLACEHOLDER : pictureSpan(count)) + part
  }
  return expanded
}

/**
 * The string that InternVL's `chat()` hands to its tokenizer. With pictures, no history and no placeholder in
 * the question, `<image>` and a newline are put before the question. `counts` are the visual tokens of each
 * picture, all turns together. Source: OpenGVLab/InternVL, `modeling_internvl_chat.py`, `chat`; golden case
 * `internvl-prompts`.
 * @throws InputError `image-placeholder-count`
 */
export function chatPrompt(
  template: ConversationTemplate,
  input: ConversationInput,
  counts: readonly number[],
  options: ExpandOptions = {},
): string {
  const isFirst = (input.history ?? []).length === 0
  const lacksPlaceholder = counts.length > 0 && isFirst && !input.question.includes(PICTURE_PLACEHOLDER)
  const question = lacksPlaceholder ? `${PICTURE_PLACEHOLDER}\n${input.question}` : input.question
  return expandPictures(renderConversation(template, { ...input, question }), counts, options)
}
