import type { Asked } from './kind.ts'
import type { Glyph, Mark } from './page.ts'

/**
 * The glyphs that spell an answer, letter by letter without its spaces, as far as it is read off the page: where the eye goes
 * while it is written down. Undefined where it is counted or compared, or its letters are not found one after the other.
 * @param glyphs of the page, in its own pixels
 */
export function readGlyphs(
  { answer, evidence, isRead }: Asked,
  glyphs: readonly Glyph[],
): Glyph[] | undefined {
  if (!isRead) return undefined
  const seen = evidence.flatMap((mark) => glyphs.filter((glyph) => isInside(glyph, mark)))
  const wanted = [...answer.replace(/\s/g, '')]
  // Labels stand before what they name.
  for (let start = seen.length - wanted.length; start >= 0; start--)
    if (wanted.every((letter, i) => seen[start + i]!.letter === letter))
      return seen.slice(start, start + wanted.length)
  return undefined
}

function isInside({ x, y }: Glyph, { box: [left, top, right, bottom] }: Mark): boolean {
  return x >= left && x <= right && y >= top && y <= bottom
}
