import type { Dice } from '../dice.ts'
import type { Asked, Compose } from '../kind.ts'
import { askAboutLines, readTheText, wholeText } from '../line-questions.ts'
import { anyLook, layGround } from '../look.ts'
import { type Mark, Page, type TextStyle } from '../page.ts'
import { readAll, writeWords } from '../prose.ts'
import { anyRows, type Rows } from '../rows.ts'
import { Words } from '../words.ts'

/** Two to ten lines that fill a small picture: a cutting out of a letter, a list, a table, a label or a screen. */
export const lines: Compose = (dice, fonts) => {
  const look = anyLook(dice, fonts)
  const side = dice.float(230, 440)
  const stretch = Math.exp(dice.float(-0.35, 0.35))
  const page = new Page(within(200, side * stretch, 480), within(200, side / stretch, 480))
  const area = layGround(page, look, dice.float(7, 20), dice)
  // Made 224 pixels wide, the picture shows its smallest letters still 10 pixels high.
  const least = Math.max(10, (10 * Math.max(page.width, page.height)) / 224)
  const leading = dice.float(1.12, 1.7)
  // Small letters more often than large ones: they leave room for more of them.
  const most = Math.min(40, area.height / (2 * leading))
  const wanted = least + Math.max(0, most - least) * dice.random() ** 1.7
  const possible = within(2, Math.floor(area.height / (wanted * leading)), 10)
  const count = dice.chance(0.7) ? possible : dice.int(2, possible)
  const base: TextStyle = { ...look, size: wanted }
  const rows = anyRows(
    dice,
    new Words(dice),
    count,
    (text, share) => page.widthOf(text, base) <= share * area.width,
  )

  const hasHead = !rows.isProse && dice.chance(0.2)
  const keyFace = dice.pick(['regular', 'bold'] as const)
  const keyColor = dice.pick([look.color, look.second])
  const styleOf = (row: number, column: number): TextStyle => {
    if (hasHead && row === 0) return { ...base, face: 'bold', color: look.second }
    return rows.hasKeys && column === 0 ? { ...base, face: keyFace, color: keyColor } : base
  }
  const widths = rows.cells.map((cells, row) =>
    cells.map((text, column) => page.widthOf(text, styleOf(row, column))),
  )
  const places = arranged(widths, area.width, base.size, rows, dice)
  // What came out narrow is made larger, where the lines have room.
  const widest = Math.max(...places.map((row, i) => row.at(-1)! + widths[i]!.at(-1)!))
  const room = area.height / (rows.cells.length * leading * base.size)
  const scale = Math.min(area.width / widest, Math.max(1, Math.min(room, 40 / base.size)))
  const size = base.size * scale
  const lead = Math.min(size * leading * dice.float(1, 1.3), area.height / rows.cells.length)
  const free = area.height - rows.cells.length * lead
  const baseline = area.top + free * dice.pick([0, 0, 0.5, 1]) + (lead + size * 0.64) / 2
  look.decorate?.(page, baseline, lead)

  const isJustified = rows.isProse && dice.chance(0.3)
  const slack = area.width - widest * scale
  const align = isJustified ? 0 : dice.pick([0, 0, 0, 0.5, 1])
  const isColumns = rows.cells.some((cells) => cells.length > 1)
  const marks = rows.cells.map((cells, row) => {
    const end = places[row]!.at(-1)! + widths[row]!.at(-1)!
    const shift = align * (isColumns ? slack : area.width - end * scale)
    const blanks = cells[0]!.split(' ').length - 1
    const isFull = isJustified && blanks > 0 && row < rows.cells.length - 1
    const gap = isFull ? (area.width - end * scale) / blanks : 0
    return cells.map((text, column) => {
      const x = area.left + shift + places[row]![column]! * scale
      return writeWords(page, text, x, baseline + row * lead, { ...styleOf(row, column), size }, gap)
    })
  })
  return { page, subject: 'cutting', asked: ask(marks, rows.isProse, dice) }
}

function within(least: number, value: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}

/** Where each cell begins, from the left of its row: in columns, or one behind the other. */
function arranged(
  widths: readonly (readonly number[])[],
  width: number,
  size: number,
  { hasKeys }: Rows,
  dice: Dice,
): number[][] {
  const blank = size * 0.3
  if (hasKeys && dice.chance(0.5)) return widths.map(([key = 0]) => [0, key + blank])
  const wide = Math.max(...widths.map((row) => row.length))
  const columns = Array.from({ length: wide }, (_, i) => Math.max(...widths.map((row) => row[i] ?? 0)))
  const free = width - columns.reduce((sum, column) => sum + column, 0)
  const gap = within(
    blank * 2,
    dice.chance(0.5) ? free / Math.max(1, wide - 1) : size,
    Math.max(blank * 2, free),
  )
  const isRight = columns.map((_, i) => i > 0 && !hasKeys && dice.chance(0.6))
  const starts = columns.map((_, i) => columns.slice(0, i).reduce((sum, column) => sum + column + gap, 0))
  return widths.map((row) => row.map((cell, i) => starts[i]! + (isRight[i] ? columns[i]! - cell : 0)))
}

function ask(rows: readonly (readonly (readonly Mark[])[])[], isProse: boolean, dice: Dice): Asked[] {
  const lines = rows.map((cells) => cells.flat())
  const asked = [
    { ...wholeText('lines.text', readTheText(dice), lines), isMain: true },
    ...askAboutLines('lines', lines, isProse, dice),
  ]
  const textOf = (marks: readonly Mark[]) => marks.map(({ text }) => text).join(' ')
  const begins = lines.map(([first]) => first!.text)
  const telling = lines.filter(
    (line) => line.length > 1 && begins.indexOf(line[0]!.text) === begins.lastIndexOf(line[0]!.text),
  )
  for (const line of dice.sample(telling, 1)) {
    const question = dice.pick([
      `How does the line that begins with "${line[0]!.text}" go on?`,
      `What is in the same line behind "${line[0]!.text}"?`,
    ])
    asked.push({ ...readAll('lines.rest', question, line.slice(1)), evidence: line })
  }
  const firsts = rows.map(([first]) => textOf(first!))
  const named = rows.filter(
    ([first, second]) => second && firsts.indexOf(textOf(first!)) === firsts.lastIndexOf(textOf(first!)),
  )
  for (const [name, value] of dice.sample(named, 2)) {
    const text = textOf(name!)
    const question = dice.pick([`What stands after "${text}"?`, `What is to the right of "${text}"?`])
    asked.push({ ...readAll('lines.value', question, value!), evidence: [...name!, ...value!] })
  }
  return asked
}
