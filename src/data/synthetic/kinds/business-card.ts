import { capital } from '../grammar.ts'
import { type Asked, type Compose, read } from '../kind.ts'
import { logoOf } from '../letterhead.ts'
import { Page, type TextStyle } from '../page.ts'
import { accentColor } from '../paper.ts'
import { Words } from '../words.ts'

/** A business card: who, what for, and how to reach them. */
export const businessCard: Compose = (dice, fonts) => {
  const words = new Words(dice)
  const width = dice.int(780, 900)
  const height = width * dice.float(0.54, 0.62)
  const margin = width * dice.float(0.06, 0.09)
  const accent = accentColor(dice)
  const isDark = dice.chance(0.25)
  const background = isDark
    ? dice.pick(['#1c1e22', '#22304a', '#2e2a26', '#123430', accent])
    : dice.pick(['#ffffff', '#fbfaf6', '#f4f2ec', '#f3f6f9'])
  const ink = isDark ? '#f2f0ea' : dice.pick(['#1a1a1a', '#2a2d33', '#243048'])
  const family = fonts.pick(dice, 'sans', 'serif', 'condensed')
  const head = fonts.pick(dice, 'sans', 'serif', 'display', 'condensed')
  const page = new Page(width, height, background)
  const asked: Asked[] = []
  const person = words.person()
  const domain = words.domain()
  const company = words.company()
  const strong = isDark ? ink : dice.pick([accent, ink])
  const align = dice.pick(['left', 'left', 'right', 'center'] as const)
  const x = align === 'left' ? margin : align === 'right' ? width - margin : width / 2
  const inner = width - 2 * margin
  const size = dice.float(21, 25)
  const body: TextStyle = { family, size, color: ink, align }

  const decoration = dice.pick(['bar', 'corner', 'frame', 'none', 'stripe'] as const)
  if (decoration === 'bar') page.fill(accent, 0, align === 'right' ? height - 14 : 0, width, 14)
  if (decoration === 'stripe') page.fill(accent, align === 'left' ? width - 46 : 0, 0, 46, height)
  if (decoration === 'frame') page.outline(isDark ? '#c9a24a' : accent, 16, 16, width - 32, height - 32, 2)
  if (decoration === 'corner') {
    const { ctx } = page
    const side = align === 'left' ? width : 0
    ctx.fillStyle = accent
    ctx.beginPath()
    ctx.moveTo(side, 0)
    ctx.lineTo(side + (align === 'left' ? -1 : 1) * width * 0.14, 0)
    ctx.lineTo(side, height * 0.4)
    ctx.fill()
  }
  let y = margin + size
  const title: TextStyle = {
    ...body,
    family: head,
    size: size * dice.float(1.1, 1.5),
    color: strong,
    face: 'bold',
  }
  const hasLogo = align === 'left' && dice.chance(0.6)
  if (hasLogo)
    logoOf(page, margin, y - title.size * 0.95, title.size * 1.2, isDark ? '#c9a24a' : accent, dice)
  const firm = page.write(
    company,
    x + (hasLogo ? title.size * 1.6 : 0),
    y,
    page.fitted(company, inner * 0.75, title),
  )
  asked.push(
    read(
      'card.company',
      dice.pick(['Which company is on the card?', 'What is the name of the company?']),
      firm,
    ),
  )

  y = height * dice.float(0.4, 0.47)
  const big: TextStyle = { ...title, size: size * dice.float(1.6, 2), color: ink }
  const prefix = dice.chance(0.15) ? dice.pick(['Dr. ', 'Prof. ', 'Dipl.-Ing. ']) : ''
  const name = page.write(prefix + person, x, y, page.fitted(prefix + person, inner * 0.9, big))
  asked.push(
    read('card.name', dice.pick(['What is the name of the person?', 'Whose business card is it?']), name),
  )
  y += size * 1.45
  const job = words.jobTitle()
  const jobMark = page.write(
    job,
    x,
    y,
    page.fitted(job, inner * 0.9, {
      ...body,
      face: dice.pick(['italic', 'regular'] as const),
      color: strong,
    }),
  )
  asked.push(
    read('card.job', dice.pick([`What is the job of ${person}?`, 'What is the job title?']), jobMark),
  )

  const contact: TextStyle = { ...body, size: size * 0.9 }
  const lines = [
    {
      form: 'card.phone',
      label: dice.pick(['', 'T ', 'Tel. ', 'Phone: ']),
      value: words.phone(),
      question: 'What is the phone number?',
    },
    {
      form: 'card.email',
      label: dice.pick(['', 'E ', 'Mail: ']),
      value: words.email(person, domain),
      question: 'What is the e-mail address?',
    },
    {
      form: 'card.web',
      label: dice.pick(['', 'W ']),
      value: dice.chance(0.6) ? `www.${domain}` : domain,
      question: 'What is the web address?',
    },
    {
      form: 'card.street',
      label: '',
      value: `${words.street()}, ${words.city()}`,
      question: 'What is the postal address?',
    },
  ]
  const chosen = dice.shuffle(lines).slice(0, dice.int(2, 4))
  y = height - margin - (chosen.length - 1) * contact.size * 1.4
  for (const { form, label, value, question } of chosen) {
    const text = label + value
    const mark = page.write(text, x, y, page.fitted(text, inner * 0.85, contact))
    asked.push({ ...read(form, question, mark), answer: mark.text.slice(label.length) })
    y += contact.size * 1.4
  }
  if (dice.chance(0.2)) {
    const motto = `${capital(words.adjective())} ${words.noun()}.`
    const at = height * 0.4 - big.size * 1.25
    const mark = page.write(motto, x, at, page.fitted(motto, inner * 0.6, { ...contact, face: 'italic' }))
    asked.push(read('card.motto', 'What is the motto on the card?', mark))
  }
  return { page, subject: 'card', asked }
}
