import type { Glyph } from '../../data/synthetic/page.ts'
import { IGNORED } from '../../text/labels.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import type { LabelledRow } from '../collate.ts'
import { NOWHERE, PLACES } from './places.ts'
import { visualPlaces } from './pointing.ts'
import type { SeenCells } from './seen.ts'

/** Some letters in a row, and what each of them belongs to: a glyph of a page, or a token of a text. */
interface Word<T> {
  readonly text: string
  readonly parts: readonly T[]
}

/**
 * For each token of a sequence whose words, in a question, stand on the picture as well: the place in the sequence of the visual token
 * that shows the last letter of it, or NOWHERE. A word's first letter alone names nothing yet; neither does a word that stands
 * there several times, unless it goes on behind the word before it.
 */
export function namedTokens(
  { inputIds, labels }: LabelledRow,
  { lines, placeOf }: Pick<SeenCells, 'lines' | 'placeOf'>,
  tokenizer: Tokenizer,
  contextId: number,
): number[] {
  const visual = visualPlaces(inputIds, contextId)
  const shown = lines.flatMap(printedWords)
  const found = new Map<string, number[]>()
  for (const [i, { text }] of shown.entries()) found.set(text, [...(found.get(text) ?? []), i])
  const named = Array<number>(inputIds.length).fill(NOWHERE)
  let next = NOWHERE
  for (const { text, parts } of askedWords(inputIds, labels, tokenizer)) {
    const at = found.get(text) ?? []
    const chosen = at.includes(next) ? next : at.length === 1 ? at[0]! : NOWHERE
    next = chosen === NOWHERE ? NOWHERE : chosen + 1
    const glyphs = shown[chosen]?.parts
    if (glyphs?.length !== parts.length) continue
    for (const [letter, glyph] of glyphs.entries()) {
      const look = letter === 0 ? NOWHERE : placeOf(glyph)
      if (look !== NOWHERE) named[parts[letter]!] = visual[Math.floor(look / PLACES)] ?? NOWHERE
    }
  }
  return named
}

function printedWords(line: readonly Glyph[]): Word<Glyph>[] {
  const words: Glyph[][] = []
  for (const glyph of line)
    if (glyph.startsWord || words.length === 0) words.push([glyph])
    else words.at(-1)!.push(glyph)
  return words.map((word) => bare(word.map((glyph) => [glyph.letter, glyph] as const)))
}

/** The words of what is not labelled, with the token of each letter. */
function askedWords(ids: readonly number[], labels: readonly number[], tokenizer: Tokenizer): Word<number>[] {
  const words: (readonly [string, number])[][] = [[]]
  for (const [place, id] of ids.entries()) {
    const piece = tokenizer.tokenOf(id) ?? ''
    // Bytes are parts of letters; behind a label another text begins.
    const isText = labels[place] === IGNORED && !tokenizer.specialIds.has(id) && !piece.startsWith('<0x')
    for (const letter of isText ? piece : ' ')
      if (/[\u2581\s]/.test(letter)) words.push([])
      else words.at(-1)!.push([letter, place])
  }
  return words.map(bare).filter(({ parts }) => parts.length > 0)
}

/** Without what stands around its letters and digits, and whether they are capitals. */
function bare<T>(letters: readonly (readonly [string, T])[]): Word<T> {
  const isPart = ([letter]: readonly [string, T]) => /[\p{L}\p{N}]/u.test(letter)
  const kept = letters.slice(letters.findIndex(isPart), letters.findLastIndex(isPart) + 1)
  return {
    text: kept.map(([letter]) => letter.toLowerCase()).join(''),
    parts: kept.map(([, part]) => part),
  }
}
