import type { Dice } from './dice.ts'
import { capital } from './grammar.ts'
import { anyDay, dayStyle, moneyStyle, timeStyle } from './numbers.ts'
import { inManner, inventedWord, randomText, snippet } from './snippets.ts'
import type { Words } from './words.ts'

/** Whether a text has room in a share of the width. */
type Fits = (text: string, share: number) => boolean

/** Rows of text, each of one cell or, in columns, of several. */
export interface Rows {
  readonly cells: readonly (readonly string[])[]
  /** Whether the rows are one text, broken where a line was full. */
  readonly isProse: boolean
  /** Whether the first cell names what stands in the second one. */
  readonly hasKeys: boolean
}

/** About `count` rows of what small pieces of text are made of; fewer where a text has come to its end. */
export function anyRows(dice: Dice, words: Words, count: number, fits: Fits): Rows {
  const isWide = fits('o'.repeat(18), 1)
  const layout = dice.weighted({ prose: 4, items: 5, keys: isWide ? 3 : 0, columns: isWide ? 2 : 0 })
  if (layout === 'prose')
    return { cells: wrapped(proseOf(dice, words), count, fits), isProse: true, hasKeys: false }
  const cells = { items, keys, columns }[layout](dice, words, count, fits)
  return { cells, isProse: false, hasKeys: layout === 'keys' }
}

/** Endless prose: of sentences, of words that nobody knows, or of words without a sentence. */
function proseOf(dice: Dice, words: Words): () => string {
  return dice.pick([
    () => words.sentence(),
    () => words.sentence(),
    () => `${capital(Array.from({ length: dice.int(3, 9) }, () => inventedWord(dice)).join(' '))}.`,
    () => Array.from({ length: dice.int(3, 9) }, () => words.word()).join(' '),
  ])
}

function wrapped(make: () => string, count: number, fits: Fits): string[][] {
  const rows: string[] = []
  let row = ''
  for (let text = make().split(' '); ; text = make().split(' '))
    for (const word of text) {
      const longer = row === '' ? word : `${row} ${word}`
      if (fits(longer, 1)) row = longer
      else {
        if (row !== '') rows.push(row)
        row = shortened(word, fits, 1)
        if (rows.length === count) return rows.map((row) => [row])
      }
    }
}

/** A list: of one sort of thing, of many, with points or numbers before them. */
function items(dice: Dice, words: Words, count: number, fits: Fits): string[][] {
  const make = dice.chance(0.5) ? () => snippet(dice, words, 40) : things(dice, words)
  const point = dice.weighted({ '': 6, '-': 1, '•': 1, '*': 1, number: 1 })
  return Array.from({ length: count }, (_, i) => {
    const before = point === '' ? '' : point === 'number' ? `${i + 1}. ` : `${point} `
    return [fitting(() => before + make(), fits, 1)]
  })
}

/** Things of one sort, written in one way. */
function things(dice: Dice, words: Words): () => string {
  const money = moneyStyle(dice)
  const day = dayStyle(dice)
  const time = timeStyle(dice)
  const pattern = dice.pick(['######', '??-####', '##.##.##', '?## ### ##', '#### ####', '?#?#?#'])
  const length = dice.int(3, 22)
  return dice.pick([
    () => words.person(),
    () => words.company(),
    () => words.email(words.person(), words.domain()),
    () => words.street(),
    () => `${words.postcode()} ${words.city()}`,
    () => words.phone(),
    () => words.product(),
    () => words.title(),
    () => inManner(inventedWord(dice), dice),
    () => money.format(dice.int(5, 999_999)),
    () => `${day(anyDay(dice))} ${time(dice.int(0, 1439))}`,
    () => dice.code(pattern),
    () => randomText(dice, length),
    () => Array.from({ length: dice.int(2, 5) }, () => dice.int(0, 9999)).join(' '),
  ])
}

const names =
  'Name|Date|Total|Order|Room|Gate|Ref|No|Tel|Fax|Mail|Price|Weight|Size|Model|Serial|Batch|Type|Status|Code|From|To|Due|Tax|Seat|Unit|Floor|' +
  'Account|Invoice|Customer|Address|City|Country|Phone|Amount|Quantity|Discount|Version|Author|Title|Subject|Time|Speed|Width|Height'
const fields = names.split('|')

/** Keys and values, behind each other or in two columns. */
function keys(dice: Dice, words: Words, count: number, fits: Fits): string[][] {
  const sign = dice.weighted({ ':': 6, '': 1, ' =': 1 })
  const key = () =>
    dice.pick([
      () => dice.pick(fields),
      () => dice.pick(fields),
      () => capital(words.shortNoun()),
      () => capital(inventedWord(dice)),
      () => `${capital(words.shortNoun())} ${dice.pick(fields).toLowerCase()}`,
    ])()
  const found = dice.distinct(count, () => shortened(key(), (text) => fits(text + sign, 0.45), 1))
  return found.map((name) => [name + sign, fitting(() => snippet(dice, words, 24), fits, 0.5)])
}

/** Two or three columns, the first of words. */
function columns(dice: Dice, words: Words, count: number, fits: Fits): string[][] {
  const first = dice.pick([
    () => words.product(),
    () => words.person(),
    () => words.service(),
    () => capital(words.noun()),
    () => inManner(inventedWord(dice), dice),
    () => dice.code('??-###'),
  ])
  const money = moneyStyle(dice)
  const day = dayStyle(dice)
  const sorts = [
    () => money.bare(dice.int(20, 90_000)),
    () => money.format(dice.int(20, 90_000)),
    () => String(dice.int(0, 9999)),
    () => day(anyDay(dice)),
    () => `${dice.int(0, 100)}%`,
    () => dice.code('?##'),
    () => inventedWord(dice),
  ]
  const [share, other, more] = dice.chance(0.5) ? [0.6, 0.34, 1] : [0.4, 0.25, 2]
  // A date cut off to fit would be no date: what has no room is not in the table.
  const chosen = dice.sample(
    sorts.filter((make) => fits(make(), 0.9 * other)),
    more,
  )
  const beginnings = dice.distinct(count, () => fitting(first, fits, share))
  return beginnings.map((begin) => [begin, ...chosen.map((make) => fitting(make, fits, other))])
}

/** A text with room in the share, shortened only where none was found. */
function fitting(make: () => string, fits: Fits, share: number): string {
  for (let tries = 0; tries < 4; tries++) {
    const text = make()
    if (fits(text, share)) return text
  }
  return shortened(make(), fits, share)
}

/** Without its last words, or of one word without its last letters, so that it has room. */
function shortened(text: string, fits: Fits, share: number): string {
  let shorter = text
  while (shorter.length > 1 && !fits(shorter, share)) {
    const end = shorter.lastIndexOf(' ')
    shorter = end > 0 ? shorter.slice(0, end) : shorter.slice(0, -1)
  }
  return shorter
}
