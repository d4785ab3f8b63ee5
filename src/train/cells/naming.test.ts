import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Glyph } from '../../data/synthetic/page.ts'
import { IGNORED } from '../../text/labels.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import { namedTokens } from './naming.ts'
import { NOWHERE, PLACES } from './places.ts'

const CONTEXT = 0
const pieces = [
  '<img>',
  '\u2581',
  '"',
  'T',
  'a',
  'x',
  'o',
  '\u2581no?',
  '<0xE8>',
  '<end>',
  '\u2581the\u2581tax',
]
const tokenizer = {
  tokenOf: (id: number) => pieces[id],
  specialIds: new Set([CONTEXT, 9]),
} as unknown as Tokenizer

/** Letters that stand in visual tokens of their own, in the order of the lines. */
function page(...lines: string[]) {
  const glyphs = lines.map((line) =>
    [...line].flatMap((letter, i): Glyph[] =>
      letter === ' ' ? [] : [{ letter, x: 0, y: 0, height: 1, startsWord: i === 0 || line[i - 1] === ' ' }],
    ),
  )
  const all = glyphs.flat()
  return { lines: glyphs, placeOf: (glyph: Glyph) => all.indexOf(glyph) * PLACES + 3 }
}

/** Where a question looks, behind as many visual tokens as the page has letters and followed by an answer of the same text. */
function namedIn(seen: ReturnType<typeof page>, question: readonly number[]): number[] {
  const visual = Array<number>(seen.lines.flat().length).fill(CONTEXT)
  const inputIds = [...visual, ...question, 9, ...question]
  const labels = inputIds.map((id, i) => (i > visual.length + question.length ? id : IGNORED))
  const named = namedTokens({ inputIds, labels }, seen, tokenizer, CONTEXT)
  assert.deepEqual(
    named.filter((_, i) => i < visual.length || i >= visual.length + question.length),
    inputIds.filter((_, i) => i < visual.length || i >= visual.length + question.length).map(() => NOWHERE),
  )
  return named.slice(visual.length, visual.length + question.length)
}

const [blank, quote, T, a, x, o, no, byte, theTax] = [1, 2, 3, 4, 5, 6, 7, 8, 10]

test('each letter behind the first of a word looks at the same word on the page, whatever its case and what stands around it', () => {
  const seen = page('AXE', 'TAX: 3')
  assert.deepEqual(namedIn(seen, [blank, quote, T, a, x, quote]), [-1, -1, -1, 4, 5, -1])
  assert.deepEqual(namedIn(seen, [theTax]), [5])
})

test('a word of which the page has two is looked for only where it goes on behind the word before it', () => {
  const seen = page('Tax Ox', 'ToT no', 'Tax no')
  assert.deepEqual(namedIn(seen, [T, a, x, no]), [-1, -1, -1, -1])
  assert.deepEqual(namedIn(seen, [T, o, T, no]), [-1, 6, 7, 9])
})

test('no word is found in bytes, or on an empty page', () => {
  assert.deepEqual(namedIn(page('Tax'), [T, byte, x]), [-1, -1, -1])
  assert.deepEqual(namedIn(page(), [T, a, x]), [-1, -1, -1])
})
