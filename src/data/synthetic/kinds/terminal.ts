import type { Dice } from '../dice.ts'
import type { FontBook } from '../faces.ts'
import { capital, plural } from '../grammar.ts'
import { type Asked, type Compose, read, readBeside } from '../kind.ts'
import { anyDay, timeStyle } from '../numbers.ts'
import { type Mark, Page, type TextStyle } from '../page.ts'
import { nextWords, readAll, writeWords } from '../prose.ts'
import { Words } from '../words.ts'

interface Theme {
  readonly background: string
  readonly ink: string
  readonly strong: string
  readonly marked: string
}

const themes: readonly Theme[] = [
  { background: '#0c0c0c', ink: '#cccccc', strong: '#ffffff', marked: '#4e9a06' },
  { background: '#300a24', ink: '#eeeeec', strong: '#ffffff', marked: '#8ae234' },
  { background: '#002b36', ink: '#93a1a1', strong: '#eee8d5', marked: '#b58900' },
  { background: '#1e1e2e', ink: '#cdd6f4', strong: '#f5e0dc', marked: '#a6e3a1' },
  { background: '#ffffff', ink: '#1a1a1a', strong: '#000000', marked: '#00529b' },
  { background: '#fdf6e3', ink: '#586e75', strong: '#073642', marked: '#268bd2' },
]

/** A terminal with a manual page, a list of files or a log. */
export const terminal: Compose = (dice, fonts) => {
  const theme = dice.pick(themes)
  const screen = new Screen(dice, fonts, theme)
  contents[dice.weighted({ manual: 4, files: 2, log: 2 })](screen, dice, new Words(dice))
  return { page: screen.page.cutAt(screen.bottom), subject: 'screen', asked: screen.asked }
}

/** Lines of letters of equal width. */
class Screen {
  readonly page: Page
  readonly asked: Asked[] = []
  readonly theme: Theme
  readonly columns: number
  readonly #style: TextStyle
  readonly #cell: number
  readonly #left = 14
  #row = 0
  readonly #top: number

  constructor(dice: Dice, fonts: FontBook, theme: Theme) {
    this.theme = theme
    this.columns = dice.int(74, 90)
    const family = fonts.pick(dice, 'mono')
    this.#style = { family, size: dice.float(15.5, 20), color: theme.ink }
    const measure = new Page(8, 8)
    this.#cell = measure.widthOf('0', this.#style)
    const hasBar = dice.chance(0.45)
    this.#top = hasBar ? 34 : 8
    this.page = new Page(this.#left * 2 + this.columns * this.#cell, 1500, theme.background)
    if (hasBar) titleBar(this.page, dice, fonts)
  }

  get bottom(): number {
    return this.#top + (this.#row + 0.6) * this.#lead
  }

  get #lead(): number {
    return this.#style.size * 1.28
  }

  get #baseline(): number {
    return this.#top + (this.#row + 0.85) * this.#lead
  }

  /** Writes at a column of the present line. */
  put(text: string, column: number, manner: 'plain' | 'strong' | 'marked' = 'plain'): Mark {
    return this.page.write(text, this.#left + column * this.#cell, this.#baseline, this.#styled(manner))
  }

  /** Writes words from a column on, wrapped there; the words. Ends on the line below. */
  flow(text: string, column: number): Mark[] {
    const style = this.#styled('plain')
    const room = (this.columns - column - 2) * this.#cell
    return this.page.wrapped(text, room, style).flatMap((line) => {
      const marks = writeWords(this.page, line, this.#left + column * this.#cell, this.#baseline, style)
      this.next()
      return marks
    })
  }

  next(lines = 1): void {
    this.#row += lines
  }

  /** How many cells a text takes. */
  lengthOf(text: string): number {
    return Math.ceil(this.page.widthOf(text, this.#style) / this.#cell)
  }

  #styled(manner: 'plain' | 'strong' | 'marked'): TextStyle {
    if (manner === 'plain') return this.#style
    return { ...this.#style, face: 'bold', color: this.theme[manner] }
  }
}

function titleBar(page: Page, dice: Dice, fonts: FontBook): void {
  const isDark = dice.chance(0.6)
  page.fill(isDark ? '#3a3a3e' : '#dcdcdc', 0, 0, page.width, 28)
  const { ctx } = page
  for (const [i, color] of ['#ff5f57', '#febc2e', '#28c840'].entries()) {
    ctx.fillStyle = color
    ctx.beginPath()
    ctx.arc(18 + 22 * i, 14, 6.5, 0, 7)
    ctx.fill()
  }
  const style: TextStyle = {
    family: fonts.pick(dice, 'sans'),
    size: 15,
    color: isDark ? '#dddddd' : '#333333',
    align: 'center',
  }
  page.write(dice.pick(['Terminal', 'bash', 'zsh', 'Console', 'ssh']), page.width / 2, 19, style)
}

const contents: Readonly<
  Record<'manual' | 'files' | 'log', (screen: Screen, dice: Dice, words: Words) => void>
> = {
  manual(screen, dice, words) {
    const { asked, columns } = screen
    const name = commandName(dice, words)
    const section = dice.int(1, 8)
    const title = `${name.toUpperCase()}(${section})`
    const manual = dice.pick([
      'User Commands',
      'General Commands Manual',
      'System Administration',
      "Programmer's Manual",
      `${capital(words.noun())} Manual`,
    ])
    const head = screen.put(title, 0)
    asked.push(read('terminal.title', 'What stands at the top left of the screen?', head))
    screen.put(manual, Math.round((columns - manual.length) / 2))
    screen.next(2)
    screen.put('NAME', 0, 'strong')
    screen.next()
    const purpose = `${words.verb()} ${words.adjective()} ${plural(words.noun())}`
    const line = screen.flow(`${name} - ${purpose}`, 7)
    asked.push({
      ...readAll('terminal.purpose', `What does ${name} do, by its name line?`, line),
      answer: purpose,
    })
    screen.next()
    screen.put('SYNOPSIS', 0, 'strong')
    screen.next()
    const synopsis = screen.put(
      `${name} [OPTION]... ${dice.pick(['FILE...', 'SOURCE DEST', '[NAME]', 'PATTERN [FILE]', 'HOST'])}`,
      7,
    )
    asked.push(read('terminal.synopsis', 'What does the line below SYNOPSIS say?', synopsis))
    screen.next(2)
    screen.put('DESCRIPTION', 0, 'strong')
    screen.next()
    const prose = screen.flow(Array.from({ length: dice.int(1, 3) }, () => words.sentence()).join(' '), 7)
    asked.push(...nextWords('terminal.next', prose, 2, dice))
    screen.next()
    screen.put(dice.pick(['OPTIONS', 'Options']), 0, 'strong')
    screen.next()
    const letters = dice.sample([...'abcdefghijklmnopqrstuvwxyzABCDEFHLNPRSTVX'], dice.int(2, 6))
    const longs = dice.distinct(letters.length, () => words.shortNoun().toLowerCase())
    for (const [i, letter] of letters.entries()) {
      const long = `--${longs[i]}${dice.chance(0.3) ? `=${dice.pick(['FILE', 'N', 'WHEN', 'WORD', 'SIZE'])}` : ''}`
      const short = screen.put(`-${letter},`, 7, 'strong')
      const mark = screen.put(long, 11, 'strong')
      screen.next()
      const what = `${words.verb()} ${dice.pick(['the', 'every', 'no'])} ${words.adjective()} ${words.noun()}`
      const says = screen.flow(what, 14)
      screen.next()
      asked.push(readBeside('terminal.long', `What is the long form of -${letter}?`, short, mark))
      asked.push({
        form: 'terminal.option',
        question: `What does the option -${letter} do?`,
        answer: says.map(({ text }) => text).join(' '),
        evidence: [short, ...says],
        isRead: true,
      })
    }
    const day = anyDay(dice)
    const foot = screen.put(`${capital(words.noun())} ${dice.int(0, 12)}.${dice.int(0, 40)}`, 0)
    const date = screen.put(
      `${day.year}-${String(day.month).padStart(2, '0')}-${String(day.day).padStart(2, '0')}`,
      Math.round(columns / 2) - 5,
    )
    screen.put(title, columns - screen.lengthOf(title) - 1)
    asked.push(read('terminal.version', 'What stands at the bottom left of the screen?', foot))
    asked.push(read('terminal.date', 'Which date is at the bottom of the screen?', date))
    screen.next()
  },
  files(screen, dice, words) {
    const { asked } = screen
    prompt(screen, dice, words, `ls -l ${words.shortNoun()}`)
    const total = screen.put(`total ${dice.int(4, 9999)}`, 0)
    asked.push({ ...read('terminal.total', 'What is the total?', total), answer: total.text.slice(6) })
    screen.next()
    const write = timeStyle(dice)
    const user = login(words)
    const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
    const names = dice.distinct(dice.int(4, 12), () => fileName(dice, words))
    const rows = names.map((file) => {
      const rights = `${dice.pick(['-', '-', '-', 'd'])}rw${dice.pick(['-', 'x'])}r-${dice.pick(['-', 'x'])}r-${dice.pick(['-', 'x'])}`
      screen.put(`${rights} ${dice.int(1, 9)} ${user} ${user}`, 0)
      const start = 14 + 2 * user.length + 3
      const size = String(dice.int(12, dice.pick([999, 99_999, 9_999_999])))
      const sizeMark = screen.put(size, start + 8 - size.length)
      const day = `${dice.pick(months)} ${String(dice.int(1, 28)).padStart(2)} ${write(dice.int(0, 1439)).replace(/ [AP]M/, '')}`
      const dayMark = screen.put(day, start + 9)
      const name = screen.put(file, start + 10 + day.length, rights.startsWith('d') ? 'marked' : 'plain')
      screen.next()
      return { name, sizeMark, dayMark }
    })
    for (const { name, sizeMark, dayMark } of dice.sample(rows, 3)) {
      asked.push(readBeside('terminal.size', `What is the size of ${name.text}?`, name, sizeMark))
      asked.push(readBeside('terminal.changed', `When was ${name.text} changed?`, name, dayMark))
    }
    const last = rows.at(-1)!
    asked.push(read('terminal.last-file', 'Which file is the last of the list?', last.name))
    screen.next()
  },
  log(screen, dice, words) {
    const { asked } = screen
    prompt(
      screen,
      dice,
      words,
      `${commandName(dice, words)} --${words.shortNoun()} ${words.shortNoun()}.${dice.pick(['log', 'cfg', 'db', 'js'])}`,
    )
    const write = timeStyle(dice)
    let minutes = dice.int(0, 1100)
    const lines: { readonly time: Mark; readonly says: Mark[] }[] = []
    for (let count = dice.int(5, 12); count > 0; count--) {
      minutes += dice.int(1, 25)
      const time = screen.put(write(minutes), 0)
      const level = dice.pick(['INFO', 'INFO', 'WARN', 'ERROR', 'DEBUG'])
      screen.put(level, 10, level === 'INFO' || level === 'DEBUG' ? 'marked' : 'strong')
      const message = dice.pick([
        `${words.noun()} ${words.adjective()}: ${dice.int(2, 9999)} ${plural(words.noun())}`,
        `cannot ${words.verb()} ${words.noun()} "${words.shortNoun()}"`,
        `${words.verb()} ${words.domain()}:${dice.int(1024, 65_535)}`,
        `user ${words.firstName().toLowerCase()} ${words.adjective()}`,
        `${dice.int(1, 100)}% of ${words.adjective()} ${plural(words.noun())} done in ${dice.int(2, 990)} ms`,
      ])
      lines.push({ time, says: screen.flow(message, 17) })
    }
    for (const { time, says } of dice.sample(lines, 2))
      asked.push({
        form: 'terminal.message',
        question: `What is the message at ${time.text}?`,
        answer: says.map(({ text }) => text).join(' '),
        evidence: [time, ...says],
        isRead: true,
      })
    asked.push(read('terminal.last-time', 'What is the time of the last message?', lines.at(-1)!.time))
    asked.push(
      ...nextWords(
        'terminal.next',
        lines.flatMap(({ says }) => says),
        1,
        dice,
      ),
    )
    screen.next()
  },
}

function prompt(screen: Screen, dice: Dice, words: Words, command: string): void {
  const user = login(words)
  const host = words.shortNoun()
  const sign = dice.pick(['$', '#', '%', '>'])
  const where = `${user}@${host}:~${sign}`
  const mark = screen.put(where, 0, 'marked')
  screen.asked.push({
    ...read('terminal.host', 'What is the name of the host in the prompt?', mark),
    answer: host,
  })
  const typed = screen.put(command, screen.lengthOf(where) + 1)
  screen.asked.push(read('terminal.command', 'Which command was entered?', typed))
  screen.next()
}

/** A user's name as machines know it. */
function login(words: Words): string {
  return words.firstName().toLowerCase().replaceAll(' ', '').slice(0, 8)
}

/** At most 16 letters. */
function fileName(dice: Dice, words: Words): string {
  const endings = ['.txt', '.md', '.c', '.py', '.png', '.log', '.tar.gz', '', '.json', '.pdf', '.sh']
  const second = dice.chance(0.3) ? dice.pick(['-', '_', '.']) + words.shortNoun() : ''
  const name = `${words.shortNoun()}${second}${dice.pick(endings)}`
  return name.length <= 16 ? name : fileName(dice, words)
}

function commandName(dice: Dice, words: Words): string {
  const noun = words
    .shortNoun()
    .toLowerCase()
    .replace(/[^a-z]/g, '')
  return dice.pick([
    noun,
    `${noun}ctl`,
    `g${noun}`,
    `lib${noun}`,
    `${noun}-${words.shortNoun().toLowerCase()}`,
    `${noun}fs`,
  ])
}
