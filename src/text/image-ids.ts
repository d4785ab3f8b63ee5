import { InputError } from '../tensor/errors.ts'
import { PICTURE_PLACEHOLDER } from './picture-tokens.ts'
import type { Tokenizer } from './tokenizer.ts'

/** What stands for a picture among the ids of a prompt; no id of the vocabulary. Source: LLaVA, `constants.py`. */
export const IMAGE_ID = -200

/**
 * The ids of a prompt with `IMAGE_ID` at each `<image>`. What lies between placeholders is tokenised as if it began a
 * text, the begin token kept only at the very front: SentencePiece gives each stretch its own leading space.
 * Source: LLaVA, `tokenizer_image_token`; golden case `llava15-labels`.
 */
export function encodeWithImages(prompt: string, tokenizer: Tokenizer): number[] {
  const [first = [], ...rest] = prompt.split(PICTURE_PLACEHOLDER).map((chunk) => tokenizer.encode(chunk))
  const hasBos = tokenizer.bosId !== undefined && first[0] === tokenizer.bosId
  return [...first, ...rest.flatMap((chunk) => [IMAGE_ID, ...chunk.slice(hasBos ? 1 : 0)])]
}

/**
 * The ids with each `IMAGE_ID`, in order, repeated as often as its picture has visual tokens.
 * @throws InputError `image-placeholder-count` when there are more or fewer placeholders than pictures
 */
export function expandImageIds(ids: readonly number[], counts: readonly number[]): number[] {
  const found = ids.filter((id) => id === IMAGE_ID).length
  if (found !== counts.length)
    throw new InputError(
      'image-placeholder-count',
      `The conversation has ${found} ${PICTURE_PLACEHOLDER} placeholders but ${counts.length} pictures were given. ` +
        'Write one placeholder for each picture, and pass the pictures of earlier turns again, in order.',
      { found, expected: counts.length },
    )
  let picture = 0
  return ids.flatMap((id) => (id === IMAGE_ID ? Array<number>(counts[picture++]!).fill(IMAGE_ID) : [id]))
}
