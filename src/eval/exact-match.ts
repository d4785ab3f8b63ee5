import type { Answered } from './answered.ts'

/** Whether two answers are the same text. Spaces around do not count and spaces within count as one; case counts. */
export function exactMatch({ expected, given }: Answered): boolean {
  return collapseSpaces(given) === collapseSpaces(expected)
}

/** A text without white space around it, white space within as single spaces: all that scoring forgives. */
export function collapseSpaces(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}
