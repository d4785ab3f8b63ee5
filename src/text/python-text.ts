/**
 * Python's notions of whitespace and JavaScript's differ: `str.strip` also takes U+001C–U+001F and U+0085 and
 * leaves U+FEFF. Official tokenizers and templates are written with the former.
 */
const SPACE = '[\\p{White_Space}\\x1c-\\x1f]'
const leading = new RegExp(`^${SPACE}+`, 'u')
const space = new RegExp(`^${SPACE}$`, 'u')

/** Python's `str.lstrip()`. */
export function stripStart(text: string): string {
  return text.replace(leading, '')
}

/** Python's `str.rstrip()`. */
export function stripEnd(text: string): string {
  let end = text.length
  while (end > 0 && space.test(text[end - 1]!)) end--
  return text.slice(0, end)
}

/** Python's `str.strip()`. */
export function strip(text: string): string {
  return stripEnd(stripStart(text))
}

/** What `clean_up_tokenization` of transformers replaces, in its order. */
export const CLEANED: readonly (readonly [string, string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
]

/** The text without the spaces that English word tokenisation leaves before punctuation and contractions. */
export function cleanUp(text: string): string {
  return CLEANED.reduce((cleaned, [from, to]) => cleaned.replaceAll(from, to), text)
}

/** A string made safe to stand in a regular expression as itself. */
export function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/** A global expression that finds any of the strings, the longest where several match; undefined for none. */
export function anyOf(strings: Iterable<string>): RegExp | undefined {
  const ordered = [...strings].filter((text) => text !== '').sort((a, b) => b.length - a.length)
  return ordered.length === 0 ? undefined : new RegExp(ordered.map(escapeRegExp).join('|'), 'g')
}
