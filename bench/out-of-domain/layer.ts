import type { MeasuredQuestion } from '../embedded/sets.ts'

/** A picture whose words are known from its source. */
export interface Drawn {
  readonly png: Uint8Array
  /** All words that can be seen in full, in the order of reading, with single spaces. */
  readonly text: string
  /** Questions whose answers stand in the picture. */
  readonly proposals: readonly MeasuredQuestion[]
}

/** A line of words, boxes in pixels of the picture: left, top, right, bottom. */
export interface TextLine {
  readonly words: readonly string[]
  readonly box: readonly [number, number, number, number]
}

/**
 * Whether a text can be typed as an answer: of plain signs, so that it does not hang on which quote or dash was meant, and
 * short.
 */
export function isAnswer(text: string, longest = 60): boolean {
  return /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text) && text.length <= longest
}

/** How often a text stands in another one, overlaps left out. */
export function occurrences(text: string, part: string): number {
  return text.split(part).length - 1
}
