import type { Asked } from './kind.ts'
import type { Glyph, Mark } from './page.ts'

/**
 * The glyphs that spell an answer, letter by letter without its spaces, as far as it is read off the page: where the eye goes
 * while it is written down; the shape again and again where the answer is its colour or form. Undefined where it is counted or
 * compared, or its letters are not found one after the other.
 * @param glyphs of the page, in its own pixels
 */
export function readGlyphs(
  { answer, evidence, isRead }: Asked,
  glyphs: readonly Glyph[],
): Glyph[] | undefined {
  const seen = evidence.flatMap((mark) => glyphs.filter((glyph) => isInside(glyph, mark)))
  const wanted = [...answer.replace(/\s/g, '')]
  if (!isRead) {
    const [shape] = seen
    const isTold = seen.length === 1 && shape!.letter.split(' ').includes(answer)
    return isTold ? wanted.map(() => asTold(shape!, answer)) : undefined
  }
  // Labels stand before what they name.
  for (let start = seen.length - wanted.length; start >= 0; start--)
    if (wanted.every((letter, i) => seen[start + i]!.letter === letter))
      return seen.slice(start, start + wanted.length)
  return undefined
}

/** A shape of which the form is told, or its colour, which is the first thing that it shows. */
function asTold(shape: Glyph, answer: string): Glyph {
  return shape.letter.endsWith(` ${answer}`) ? { ...shape, letter: answer } : shape
}

function isInside({ x, y }: Glyph, { box: [left, top, right, bottom] }: Mark): boolean {
  return x >= left && x <= right && y >= top && y <= bottom
}
