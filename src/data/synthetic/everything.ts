import type { Dice } from './dice.ts'
import type { Asked } from './kind.ts'
import type { Mark } from './page.ts'

/** More letters than anybody would have read to them. */
const MOST_LETTERS = 400

/**
 * The question for all text of a page, whatever its kind: rows from above, each from the left. Undefined where it is none or long.
 */
export function everything(marks: readonly Mark[], dice: Dice): Asked | undefined {
  const rows = rowsOf(
    marks.filter((mark) => mark.text.trim() !== '' && !marks.some((whole) => isPart(mark, whole))),
  )
  const answer = rows.map((row) => row.map(({ text }) => text.trim()).join(' ')).join('\n')
  if (answer === '' || answer.length > MOST_LETTERS) return undefined
  const question = dice.pick([
    'Read everything.',
    'Read all of the text.',
    'Transcribe everything from top to bottom.',
  ])
  return { form: 'everything', question, answer, evidence: rows.flat(), isRead: true }
}

/** Marks whose middles lie within each other's heights stand in one row. */
function rowsOf(marks: readonly Mark[]): Mark[][] {
  const rows: Mark[][] = []
  for (const mark of marks.toSorted((a, b) => middleOf(a) - middleOf(b))) {
    const row = rows.at(-1)
    const isBeside = (other: Mark) => isLevel(other, mark) && isLevel(mark, other)
    if (row?.every(isBeside)) row.push(mark)
    else rows.push([mark])
  }
  return rows.map((row) => row.toSorted((a, b) => a.box[0] - b.box[0]))
}

function isLevel({ box: [, top, , bottom] }: Mark, other: Mark): boolean {
  return middleOf(other) > top && middleOf(other) < bottom
}

/** Letters in boxes of their own are marks, as is what they spell. */
function isPart({ text, box: [left, top, right, bottom] }: Mark, whole: Mark): boolean {
  const [x0, y0, x1, y1] = whole.box
  const isInside = left >= x0 && top >= y0 && right <= x1 && bottom <= y1
  return isInside && whole.text.length > text.length && whole.text.includes(text)
}

function middleOf({ box: [, top, , bottom] }: Mark): number {
  return (top + bottom) / 2
}
