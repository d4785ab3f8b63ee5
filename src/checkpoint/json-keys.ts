/**
 * The keys of a JSON object in the order of its text, repeated ones repeated, which JSON.parse hides.
 * `text` must be valid JSON with an object at the top.
 */
export function topLevelKeys(text: string): string[] {
  const keys: string[] = []
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    if (character === 0x7b || character === 0x5b) depth++
    else if (character === 0x7d || character === 0x5d) depth--
    else if (character === 0x22) {
      const end = closingQuote(text, i)
      if (depth === 1 && isKey(text, end)) keys.push(JSON.parse(text.slice(i, end + 1)) as string)
      i = end
    }
  }
  return keys
}

/** Where the string that opens at `start` closes. */
function closingQuote(text: string, start: number): number {
  let i = start + 1
  while (text.charCodeAt(i) !== 0x22) i += text.charCodeAt(i) === 0x5c ? 2 : 1
  return i
}

/** Whether a colon follows the string that ends at `end`. */
function isKey(text: string, end: number): boolean {
  let i = end + 1
  while (text.charCodeAt(i) <= 0x20) i++
  return text.charCodeAt(i) === 0x3a
}
