import { editDistance } from '../checkpoint/nearest.ts'
import type { Answered } from './answered.ts'
import { collapseSpaces } from './exact-match.ts'

/** How well one line was read. */
export interface ReadingErrors {
  /** The fewest insertions, deletions and replacements that turn what was read into what is written. */
  readonly edits: number
  /** How many characters are written. */
  readonly characters: number
}

/** The errors of one line. Characters are code points; spaces are collapsed as in `exactMatch`; case counts. */
export function readingErrors({ expected, given }: Answered): ReadingErrors {
  const [written, read] = [[...collapseSpaces(expected)], [...collapseSpaces(given)]]
  return {
    edits: editDistance(written, read, Math.max(written.length, read.length)),
    characters: written.length,
  }
}

/**
 * The character error rate of a corpus: the edits of all lines over the characters of all lines. Above 1 where much more
 * is read than stands there; NaN where nothing was to be read.
 */
export function characterErrorRate(lines: readonly ReadingErrors[]): number {
  let [edits, characters] = [0, 0]
  for (const line of lines) {
    edits += line.edits
    characters += line.characters
  }
  return edits / characters
}
