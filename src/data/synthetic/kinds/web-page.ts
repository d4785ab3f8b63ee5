import type { Dice } from '../dice.ts'
import type { FontBook } from '../faces.ts'
import { capital, plural } from '../grammar.ts'
import { type Asked, type Compose, read } from '../kind.ts'
import { anyDay, dayStyle } from '../numbers.ts'
import { type Mark, Page, type TextStyle } from '../page.ts'
import { nextWords, readAll, writeWords } from '../prose.ts'
import { Words } from '../words.ts'

interface Theme {
  readonly background: string
  readonly ink: string
  readonly soft: string
  readonly link: string
  readonly accent: string
}

const themes: readonly Theme[] = [
  { background: '#ffffff', ink: '#202122', soft: '#54595d', link: '#3366cc', accent: '#eaecf0' },
  { background: '#fcfcfc', ink: '#404040', soft: '#767676', link: '#2980b9', accent: '#343131' },
  { background: '#ffffff', ink: '#24292f', soft: '#57606a', link: '#0969da', accent: '#24292f' },
  { background: '#ffffff', ink: '#000000', soft: '#555555', link: '#0000ee', accent: '#c70036' },
  { background: '#faf7f0', ink: '#33302b', soft: '#7a7468', link: '#9c3d1a', accent: '#5b3a29' },
  { background: '#15171c', ink: '#d7d9de', soft: '#9096a1', link: '#7aa2f7', accent: '#2a2e37' },
]

/** A page of documentation, news or a shop in a browser. */
export const webPage: Compose = (dice, fonts) => {
  const words = new Words(dice)
  const theme = dice.pick(themes)
  const width = dice.int(880, 1180)
  const page = new Page(width, 1500, theme.background)
  const asked: Asked[] = []
  const family = fonts.pick(dice, 'sans', 'sans', 'serif')
  const size = dice.float(15.5, 19)
  const body: TextStyle = { family, size, color: theme.ink }
  const domain = words.domain()
  let y = dice.chance(0.7) ? browserBar(page, domain, { dice, fonts, words, asked }) : 0
  y = siteHeader(page, y, { dice, fonts, words, asked, theme, body })

  const hasSide = dice.chance(0.55)
  const margin = dice.int(28, 64)
  const side = hasSide ? dice.int(190, 250) : 0
  const sideFirst = dice.chance(0.6)
  const left = margin + (hasSide && sideFirst ? side : 0)
  const right = width - margin - (hasSide && !sideFirst ? side : 0)
  if (hasSide)
    sideList(page, sideFirst ? margin : right + 28, y + size * 2.2, {
      dice,
      words,
      asked,
      theme,
      body,
      room: side - 44,
    })

  y += size * 2.6
  const title = dice.pick([
    words.title(),
    `${capital(words.adjective())} ${words.noun()}`,
    `${dice.pick(['Installing', 'Using', 'About', 'How to use', 'Introduction to'])} ${capital(words.noun())}`,
  ])
  const head: TextStyle = {
    ...body,
    family: fonts.pick(dice, 'sans', 'serif'),
    size: size * dice.float(1.7, 2.2),
    face: 'bold',
  }
  const titleMark = page.write(title, left, y, page.fitted(title, right - left, head))
  asked.push(
    read(
      'web.title',
      dice.pick(['What is the title of the page?', 'What does the main heading say?']),
      titleMark,
    ),
  )
  y += size * 1.7
  if (dice.chance(0.6)) {
    const author = words.person()
    const day = dayStyle(dice)(anyDay(dice))
    const line = `${dice.pick(['By', 'Written by', 'Author:'])} ${author}`
    const who = page.write(line, left, y, { ...body, size: size * 0.88, color: theme.soft })
    const when = page.write(day, who.box[2] + size * 1.2, y, {
      ...body,
      size: size * 0.88,
      color: theme.soft,
    })
    asked.push({ ...read('web.author', 'Who wrote the page?', who), answer: author })
    asked.push(read('web.date', 'Which date is given below the title?', when))
    y += size * 1.7
  }
  const end = article(page, { left, right, y, dice, words, asked, theme, body, head })
  return { page: page.cutAt(Math.min(end + margin, 1500)), subject: 'screen', asked }
}

interface Site {
  readonly dice: Dice
  readonly fonts: FontBook
  readonly words: Words
  readonly asked: Asked[]
}

function browserBar(page: Page, domain: string, { dice, fonts, words, asked }: Site): number {
  const isDark = dice.chance(0.3)
  const height = 46
  page.fill(isDark ? '#35363a' : '#dee1e6', 0, 0, page.width, height)
  const { ctx } = page
  ctx.strokeStyle = isDark ? '#cfcfd2' : '#5f6368'
  ctx.lineWidth = 2.2
  for (const [x, direction] of [
    [22, 1],
    [54, -1],
  ] as const) {
    ctx.beginPath()
    ctx.moveTo(x + 4 * direction, 16)
    ctx.lineTo(x - 3 * direction, 23)
    ctx.lineTo(x + 4 * direction, 30)
    ctx.stroke()
  }
  ctx.fillStyle = isDark ? '#202124' : '#ffffff'
  ctx.beginPath()
  ctx.roundRect(84, 8, page.width - 130, 30, 15)
  ctx.fill()
  const address = `${dice.chance(0.5) ? 'https://' : ''}${domain}/${words.shortNoun()}${dice.chance(0.5) ? `/${dice.pick([words.shortNoun(), String(dice.int(10, 99_999))])}` : ''}${dice.chance(0.3) ? '.html' : ''}`
  const style: TextStyle = {
    family: fonts.pick(dice, 'sans'),
    size: 16,
    color: isDark ? '#e8eaed' : '#202124',
  }
  const mark = page.write(address, 102, 29, page.fitted(address, page.width - 180, style))
  asked.push(
    read(
      'web.address',
      dice.pick(['What is the address of the page?', 'Which address is in the bar at the top?']),
      mark,
    ),
  )
  return height
}

interface Part extends Omit<Site, 'fonts'> {
  readonly theme: Theme
  readonly body: TextStyle
}

function siteHeader(
  page: Page,
  top: number,
  { dice, fonts, words, asked, theme, body }: Part & Site,
): number {
  const height = body.size * 3.2
  const isFilled = dice.chance(0.55)
  if (isFilled) page.fill(theme.accent, 0, top, page.width, height)
  else page.rule(theme.soft, 0, top + height, page.width, top + height)
  const pixel = page.ctx.getImageData(2, Math.round(top + height / 2), 1, 1).data
  const ink = pixel[0]! + pixel[1]! + pixel[2]! > 380 ? '#1c1c1c' : '#ffffff'
  const y = top + height * 0.64
  const name = dice.pick([
    words.company(),
    capital(words.noun()),
    `${capital(words.noun())} ${dice.pick(['Docs', 'Wiki', 'News', 'Times', 'Manual', 'Project'])}`,
  ])
  const style: TextStyle = {
    ...body,
    family: fonts.pick(dice, 'sans', 'serif', 'display', 'condensed'),
    size: body.size * 1.4,
    face: 'bold',
    color: ink,
  }
  const mark = page.write(name, 28, y, page.fitted(name, page.width * 0.36, style))
  asked.push(read('web.site', 'What is the name of the site, at the top left?', mark))
  const entries = dice.distinct(dice.int(3, 5), () => capital(words.shortNoun()))
  let x = page.width - 28
  const links: Mark[] = []
  for (const entry of entries.toReversed()) {
    const link = page.write(entry, x, y, { ...body, align: 'right', color: ink })
    links.unshift(link)
    x = link.box[0] - body.size * 1.3
  }
  asked.push(read('web.first-link', 'What is the first link of the menu at the top right?', links[0]!))
  asked.push(read('web.last-link', 'What is the last link of the menu at the top right?', links.at(-1)!))
  return top + height
}

function sideList(
  page: Page,
  x: number,
  top: number,
  { dice, words, asked, theme, body, room }: Part & { readonly room: number },
): void {
  const small: TextStyle = { ...body, size: body.size * 0.94 }
  const heading = dice.pick(['Contents', 'On this page', 'Related', 'Navigation', 'See also'])
  page.write(heading, x, top, { ...small, face: 'bold' })
  const entries = dice.distinct(dice.int(4, 9), () =>
    dice.pick([capital(words.noun()), `${capital(words.adjective())} ${words.noun()}`]),
  )
  const marks = entries.map((entry, i) =>
    page.write(
      entry,
      x + 6,
      top + small.size * 1.75 * (i + 1),
      page.fitted(entry, room, { ...small, color: theme.link }),
    ),
  )
  const i = dice.int(0, marks.length - 1)
  asked.push(read('web.side', `What is entry ${i + 1} of the list "${heading}"?`, marks[i]!))
}

interface Article extends Part {
  readonly left: number
  readonly right: number
  readonly y: number
  readonly head: TextStyle
}

/** Sections of prose, lists and boxes; where they end. */
function article(
  page: Page,
  { left, right, y: top, dice, words, asked, theme, body, head }: Article,
): number {
  const lead = body.size * dice.float(1.45, 1.7)
  let y = top + body.size * 0.8
  const all: Mark[] = []
  const prose = (x: number, room: number, text: string, style = body): Mark[] =>
    page.wrapped(text, room, style).flatMap((line) => {
      const marks = writeWords(page, line, x, y, style)
      y += lead
      return marks
    })
  for (let section = dice.int(1, 3); section > 0 && y < 1150; section--) {
    all.push(
      ...prose(left, right - left, Array.from({ length: dice.int(1, 4) }, () => words.sentence()).join(' ')),
    )
    y += lead * 0.7
    const name = dice.pick([
      `${capital(words.adjective())} ${plural(words.noun())}`,
      capital(words.noun()),
      `${dice.pick(['Before', 'After', 'Without', 'More'])} ${plural(words.noun())}`,
    ])
    const mark = page.write(name, left, y + body.size * 0.5, { ...head, size: body.size * 1.35 })
    asked.push(
      read(
        'web.heading',
        section === 1
          ? 'What does the last heading on the page say?'
          : 'Which heading stands within the text?',
        mark,
      ),
    )
    y += lead * 1.5
    const manner = dice.pick(['list', 'box', 'prose', 'code'] as const)
    if (manner === 'list')
      for (let item = 1, items = dice.int(2, 5); item <= items; item++) {
        const { ctx } = page
        ctx.fillStyle = theme.ink
        ctx.beginPath()
        ctx.arc(left + 10, y - body.size * 0.3, 3, 0, 7)
        ctx.fill()
        const marks = prose(
          left + 26,
          right - left - 26,
          `${capital(words.adjective())} ${words.noun()} ${dice.pick(['for', 'with', 'near', 'of'])} ${plural(words.noun())}`,
        )
        asked.push(readAll('web.item', `What does item ${item} of the list below "${mark.text}" say?`, marks))
      }
    if (manner === 'box' || manner === 'code') {
      const text =
        manner === 'code'
          ? `${words.shortNoun()} --${words.shortNoun()}=${dice.int(2, 999)} ${words.shortNoun()}.${dice.pick(['txt', 'cfg', 'js', 'c'])}`
          : words.sentence()
      const lines = page.wrapped(text, right - left - 40, body).length
      page.fill(
        manner === 'code' ? 'rgba(128, 128, 128, 0.16)' : 'rgba(255, 190, 60, 0.22)',
        left,
        y - lead * 0.9,
        right - left,
        lead * (lines + 0.75),
      )
      const marks = prose(left + 20, right - left - 40, text)
      asked.push(readAll('web.box', 'What does the coloured box in the text say?', marks))
      y += lead * 0.6
    }
    if (manner === 'prose') all.push(...prose(left, right - left, words.sentence()))
    y += lead * 0.5
  }
  const boxes = asked.filter(({ form }) => form === 'web.box' || form === 'web.heading')
  // With several of them, "the" box or heading would be unclear.
  for (const form of ['web.box', 'web.heading'])
    if (boxes.filter((asked) => asked.form === form).length > 1)
      for (const unclear of boxes.filter((asked) => asked.form === form && !asked.question.includes('last')))
        asked.splice(asked.indexOf(unclear), 1)
  asked.push(...nextWords('web.next', all, 2, dice))
  return y
}
