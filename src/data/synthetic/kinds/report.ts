import type { Dice } from '../dice.ts'
import { capital, plural } from '../grammar.ts'
import { type Asked, type Compose, derived, read } from '../kind.ts'
import { type Mark, Page, type TextStyle } from '../page.ts'
import { accentColor, inkColor, paperColor } from '../paper.ts'
import { nextWords, readAll, writeWords } from '../prose.ts'
import { Words } from '../words.ts'

/** A whole page of a manual, paper or report: running head, numbered sections, lists, perhaps two columns, page number. */
export const report: Compose = (dice, fonts) => {
  const words = new Words(dice)
  const width = dice.int(860, 960)
  const height = Math.round(width * 1.35)
  const margin = dice.int(64, 96)
  const isTwoColumned = dice.chance(0.3)
  const ink = inkColor(dice)
  const family = fonts.pick(dice, 'serif', 'serif', 'sans')
  const size = isTwoColumned ? dice.float(15, 16.5) : dice.float(16, 19)
  const body: TextStyle = { family, size, color: ink }
  const head: TextStyle = {
    ...body,
    family: dice.chance(0.5) ? family : fonts.pick(dice, 'sans', 'serif'),
    face: 'bold',
    color: dice.chance(0.25) ? accentColor(dice) : ink,
  }
  const page = new Page(width, height, dice.chance(0.5) ? '#ffffff' : paperColor(dice))
  const asked: Asked[] = []
  const soft: TextStyle = { ...body, size: size * 0.88, face: 'italic' }

  const chapter = dice.int(1, 14)
  if (dice.chance(0.65)) {
    const text = dice.pick([
      words.title(),
      `Chapter ${chapter}. ${capital(words.noun())}`,
      `${words.company()} Manual`,
    ])
    const mark = page.write(
      text,
      dice.chance(0.5) ? margin : width - margin - page.widthOf(text, soft),
      margin * 0.62,
      soft,
    )
    asked.push(read('report.head', 'What does the line at the very top of the page say?', mark))
    page.rule('#888888', margin, margin * 0.62 + size * 0.6, width - margin, margin * 0.62 + size * 0.6)
  }
  const number = page.write(String(dice.int(2, 680)), width / 2, height - margin * 0.5, {
    ...body,
    align: 'center',
  })
  asked.push(read('report.page', 'What is the page number?', number))

  const gutter = 30
  const columns = isTwoColumned ? 2 : 1
  const room = (width - 2 * margin - (columns - 1) * gutter) / columns
  const bottom = height - margin * 1.1
  const writer = new ColumnWriter(page, dice, words, {
    margin,
    room,
    gutter,
    columns,
    top: margin + size,
    bottom,
    body,
    head,
  })
  const sections = writer.fill(chapter)
  for (const { mark, title, items } of sections) {
    const named = title.split(' ')[0]!
    asked.push({
      ...read('report.section', `What is the title of section ${named}?`, mark),
      answer: mark.text.slice(named.length + 1),
    })
    for (const [i, item] of items.entries())
      asked.push(readAll('report.item', `What does item ${i + 1} of the list in section ${named} say?`, item))
  }
  asked.push(
    derived(
      'report.sections',
      'How many numbered headings are on the page?',
      String(sections.length),
      sections.map(({ mark }) => mark),
    ),
  )
  asked.push(...nextWords('report.next', writer.prose, 3, dice))
  return { page, subject: dice.chance(0.35) ? 'screen' : 'sheet', asked }
}

interface Geometry {
  readonly margin: number
  readonly room: number
  readonly gutter: number
  readonly columns: number
  readonly top: number
  readonly bottom: number
  readonly body: TextStyle
  readonly head: TextStyle
}

interface Section {
  /** Number and name. */
  readonly title: string
  readonly mark: Mark
  readonly items: readonly (readonly Mark[])[]
}

/** Fills columns from the top until the page is full. */
class ColumnWriter {
  readonly prose: Mark[] = []
  readonly #page: Page
  readonly #dice: Dice
  readonly #words: Words
  readonly #at: Geometry
  readonly #lead: number
  #column = 0
  #y: number

  constructor(page: Page, dice: Dice, words: Words, at: Geometry) {
    this.#page = page
    this.#dice = dice
    this.#words = words
    this.#at = at
    this.#lead = at.body.size * dice.float(1.3, 1.55)
    this.#y = at.top
  }

  fill(chapter: number): Section[] {
    const sections: Section[] = []
    const { body, head } = this.#at
    const isChapterNumbered = this.#dice.chance(0.5)
    while (this.#hasRoom(6)) {
      const number = isChapterNumbered ? `${chapter}.${sections.length + 1}` : `${sections.length + 1}`
      const title = `${number} ${this.#heading()}`
      this.#y += this.#lead * 0.4
      const style = this.#page.fitted(title, this.#at.room, { ...head, size: body.size * 1.3 })
      const mark = this.#page.write(title, this.#left, this.#y + body.size * 0.3, style)
      this.#y += this.#lead * 1.5
      const text = this.#sentences(this.#dice.int(2, 5))
      this.#paragraph(text, 0)
      const items: Mark[][] = []
      if (this.#dice.chance(0.4) && this.#hasRoom(7))
        for (let count = this.#dice.int(2, 4); count > 0; count--) {
          this.#bullet()
          items.push(
            this.#lines(
              `${capital(this.#words.adjective())} ${this.#words.noun()} ${this.#dice.pick(['for', 'with', 'from', 'of'])} ${plural(this.#words.noun())}`,
              26,
            ),
          )
        }
      this.#y += this.#lead * 0.5
      if (this.#dice.chance(0.6) && this.#hasRoom(5))
        this.#paragraph(this.#sentences(this.#dice.int(1, 4)), this.#dice.chance(0.5) ? body.size : 0)
      sections.push({ title, mark, items })
      if (!this.#hasRoom(7)) this.#nextColumn()
    }
    return sections
  }

  get #left(): number {
    const { margin, room, gutter } = this.#at
    return margin + this.#column * (room + gutter)
  }

  #hasRoom(lines: number): boolean {
    return this.#column < this.#at.columns && this.#y + lines * this.#lead < this.#at.bottom
  }

  #nextColumn(): void {
    this.#column++
    this.#y = this.#at.top
  }

  #heading(): string {
    const words = this.#words
    return this.#dice.pick([
      () => `${capital(words.adjective())} ${words.noun()}`,
      () => `${capital(words.noun())} and ${words.noun()}`,
      () => `The ${words.noun()} ${this.#dice.pick(['problem', 'method', 'file', 'interface', 'command'])}`,
      () => capital(plural(words.noun())),
    ])()
  }

  #sentences(count: number): string {
    return Array.from({ length: count }, () => this.#words.sentence()).join(' ')
  }

  #paragraph(text: string, indent: number): void {
    this.prose.push(...this.#lines(text, 0, indent))
    this.#y += this.#lead * 0.4
  }

  /** Text in lines, as many as fit. */
  #lines(text: string, inset: number, indent = 0): Mark[] {
    const { body, room } = this.#at
    const lines = this.#page.wrapped(text, room - inset - indent, body)
    return lines.flatMap((line, i) => {
      if (this.#y > this.#at.bottom) return []
      const marks = writeWords(this.#page, line, this.#left + inset + (i === 0 ? indent : 0), this.#y, body)
      this.#y += this.#lead
      return marks
    })
  }

  #bullet(): void {
    const { ctx } = this.#page
    ctx.fillStyle = this.#at.body.color
    ctx.beginPath()
    ctx.arc(this.#left + 12, this.#y - this.#at.body.size * 0.3, 3, 0, 7)
    ctx.fill()
  }
}
