import { InputError } from '../tensor/errors.ts'
import { PICTURE_PLACEHOLDER } from '../text/picture-tokens.ts'
import type { Conversation } from './system.ts'

/** @throws InputError `question-empty` */
export function checkQuestion({ question }: Conversation): void {
  if (question.trim() === '')
    throw new InputError('question-empty', 'The question is empty. Ask something about the picture.')
}

/** For systems without token compression. @throws InputError `option-without-effect` */
export function refuseCompression({ compression }: Conversation, system: string): void {
  if (compression)
    throw new InputError(
      'option-without-effect',
      `Compression (SCM) is Mini-Monkey's; the model is ${system} and does not have it. Leave the option out.`,
      { option: 'compression', system },
    )
}

/** For systems that are told nothing of objects. @throws InputError `option-without-effect` */
export function refuseBoxes({ boxes }: Conversation, system: string): void {
  if (boxes && boxes.length > 0)
    throw new InputError(
      'option-without-effect',
      `Boxes are for MG-LLaVA; the model is ${system} and is told nothing of objects. Leave the option out.`,
      { option: 'boxes', system },
    )
}

/**
 * The question with placeholders put before it when it has none for the pictures which no earlier turn showed.
 * @param placeholders writes `count` of them, for pictures from number `first` (of all) on
 */
export function withPlaceholders(
  { question, history = [], pictures }: Conversation,
  placeholders: (count: number, first: number) => string,
): string {
  const shown = history.reduce((sum, [asked]) => sum + asked.split(PICTURE_PLACEHOLDER).length - 1, 0)
  const added = question.includes(PICTURE_PLACEHOLDER) ? 0 : Math.max(0, pictures.length - shown)
  return added > 0 ? placeholders(added, pictures.length - added + 1) + question : question
}
