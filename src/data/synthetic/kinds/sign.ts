import type { Dice } from '../dice.ts'
import type { FontBook } from '../faces.ts'
import { type Asked, type Compose, derived, read, readBeside } from '../kind.ts'
import { moneyStyle, timeStyle } from '../numbers.ts'
import { type Mark, Page, type TextStyle } from '../page.ts'
import { paintScenery, type Scenery } from '../scenery.ts'
import { capital, plural, Words } from '../words.ts'

/** A board that is drawn in its own coordinates, from its top left corner. */
interface Board {
  readonly width: number
  readonly height: number
  readonly color: string
  readonly border: string | undefined
  readonly radius: number
  readonly scenery: readonly Scenery[]
  readonly isOnPole: boolean
  /** Writes on the board and asks. */
  readonly write: (page: Page) => readonly Asked[]
}

/** A sign where it hangs: over a shop, at a road, on a wall, a fence or a door. */
export const sign: Compose = (dice, fonts) => {
  const words = new Words(dice)
  const make =
    boards[
      dice.weighted({ shop: 3, directions: 3, street: 2, warning: 3, hours: 2, door: 2, menu: 2, offer: 2 })
    ]
  const board = make(dice, words, fonts)
  const width = Math.max(board.width * dice.float(1.25, 1.75), 560)
  const height = Math.max(board.height * dice.float(1.35, 2), width * dice.float(0.42, 0.7))
  const page = new Page(width, height)
  paintScenery(page, dice.pick(board.isOnPole ? ['street', 'green'] : board.scenery), dice)
  const { ctx } = page
  // Nothing that is asked about comes near the edge of the view.
  const left = width * 0.09 + dice.random() * Math.max(0, width * 0.82 - board.width)
  const top = height * 0.1 + dice.random() * Math.max(0, height * 0.72 - board.height)
  ctx.translate(left + board.width / 2, top + board.height / 2)
  ctx.transform(1, dice.normal(0, 0.025), dice.normal(0, 0.035), 1, 0, 0)
  ctx.rotate(dice.normal(0, 0.018))
  ctx.translate(-board.width / 2, -board.height / 2)
  if (board.isOnPole) pole(page, board, height, dice)
  plate(page, board, dice)
  const asked = board.write(page)
  ctx.resetTransform()
  return { page, subject: 'view', asked }
}

function pole(page: Page, { width, height: boardHeight }: Board, viewHeight: number, dice: Dice): void {
  const { ctx } = page
  const thick = 14
  for (const x of width > 420 ? [width * 0.22, width * 0.78] : [width / 2]) {
    const metal = ctx.createLinearGradient(x - thick, 0, x + thick, 0)
    const tone = dice.int(90, 150)
    metal.addColorStop(0, `rgb(${tone - 40}, ${tone - 40}, ${tone - 36})`)
    metal.addColorStop(0.4, `rgb(${tone + 60}, ${tone + 60}, ${tone + 62})`)
    metal.addColorStop(1, `rgb(${tone - 50}, ${tone - 50}, ${tone - 46})`)
    ctx.fillStyle = metal
    ctx.fillRect(x - thick / 2, -12, thick, boardHeight + viewHeight)
  }
}

function plate(page: Page, { width, height, color, border, radius }: Board, dice: Dice): void {
  const { ctx } = page
  ctx.save()
  ctx.shadowColor = 'rgba(0, 0, 0, 0.55)'
  ctx.shadowBlur = dice.float(6, 20)
  ctx.shadowOffsetX = dice.float(-8, 8)
  ctx.shadowOffsetY = dice.float(3, 12)
  ctx.fillStyle = color
  ctx.beginPath()
  ctx.roundRect(0, 0, width, height, radius)
  ctx.fill()
  ctx.restore()
  const sheen = ctx.createLinearGradient(0, 0, width, height)
  sheen.addColorStop(0, `rgba(255, 255, 255, ${dice.float(0, 0.22)})`)
  sheen.addColorStop(1, `rgba(0, 0, 0, ${dice.float(0, 0.2)})`)
  ctx.fillStyle = sheen
  ctx.beginPath()
  ctx.roundRect(0, 0, width, height, radius)
  ctx.fill()
  if (border !== undefined) {
    ctx.strokeStyle = border
    ctx.lineWidth = Math.max(3, Math.min(width, height) * 0.018)
    const inset = Math.min(width, height) * 0.035
    ctx.beginPath()
    ctx.roundRect(inset, inset, width - 2 * inset, height - 2 * inset, Math.max(0, radius - inset / 2))
    ctx.stroke()
  }
  if (!dice.chance(0.5)) return
  const at = Math.min(width, height) * 0.09
  for (const x of [at, width - at])
    for (const y of [at, height - at]) {
      ctx.fillStyle = 'rgba(90, 90, 90, 0.9)'
      ctx.beginPath()
      ctx.arc(x, y, 4, 0, 7)
      ctx.fill()
    }
}

type MakeBoard = (dice: Dice, words: Words, fonts: FontBook) => Board

const walls: readonly Scenery[] = ['bricks', 'plaster', 'planks', 'metal']

const boards: Readonly<
  Record<'shop' | 'directions' | 'street' | 'warning' | 'hours' | 'door' | 'menu' | 'offer', MakeBoard>
> = {
  shop(dice, words, fonts) {
    const family = fonts.pick(dice, 'display', 'serif', 'sans', 'condensed', 'hand')
    const name = words.shop(dice.pick(['groceries', 'dishes', 'hardware']))
    const line = dice.chance(0.6)
      ? dice.pick([
          `since ${dice.int(1840, 2019)}`,
          words.phone(),
          `${capital(words.adjective())} ${words.noun()}`,
          words.domain(),
        ])
      : undefined
    const size = dice.float(46, 78)
    const [color, ink] = dice.pick([
      ['#20402f', '#f4e9c8'],
      ['#6e1f22', '#f7ecd0'],
      ['#1c2a44', '#ffffff'],
      ['#f2ead8', '#3a2a1c'],
      ['#1b1b1b', '#e8c46a'],
      ['#ffffff', '#b3202a'],
      ['#e9b92d', '#1c1c1c'],
      ['#3a5f7a', '#ffffff'],
    ] as const)
    const style: TextStyle = {
      family,
      size,
      color: ink,
      align: 'center',
      face: dice.pick(['regular', 'bold'] as const),
    }
    const width = Math.min(new Page(8, 8).widthOf(name, style) * 1.25 + 60, 1000)
    const height = size * (line === undefined ? 2 : 2.9)
    return {
      ...{ width, height, color, border: dice.chance(0.5) ? ink : undefined, radius: dice.pick([0, 6, 16]) },
      ...{ scenery: ['bricks', 'plaster', 'planks', 'metal'], isOnPole: false },
      write(page) {
        const mark = page.write(name, width / 2, size * 1.32, page.fitted(name, width * 0.86, style))
        const asked = [
          read(
            'sign.shop',
            dice.pick(['What is the name of the shop?', 'What does the large text on the sign say?']),
            mark,
          ),
        ]
        if (line === undefined) return asked
        const small: TextStyle = { ...style, family: fonts.pick(dice, 'sans', 'serif'), size: size * 0.45 }
        const second = page.write(line, width / 2, size * 2.25, page.fitted(line, width * 0.8, small))
        return [...asked, read('sign.shop-line', 'What does the small line on the sign say?', second)]
      },
    }
  },
  directions(dice, words, fonts) {
    const count = dice.int(1, 4)
    const towns = dice.distinct(count, () => words.city())
    const size = dice.float(38, 54)
    const color = dice.pick(['#0b5d3b', '#124a91', '#f4f4f0', '#e8b400', '#5a3a22'])
    const ink = color === '#f4f4f0' || color === '#e8b400' ? '#111111' : '#ffffff'
    const unit = dice.pick([' km', ' km', ' mi', ''])
    const style: TextStyle = { family: fonts.pick(dice, 'sans', 'condensed'), size, color: ink, face: 'bold' }
    const row = size * 1.5
    const measure = new Page(8, 8)
    const widest = Math.min(Math.max(...towns.map((town) => measure.widthOf(town, style))), 620)
    const width = widest + size * 6.3
    return {
      ...{ width, height: row * count + size * 0.8, color, border: ink, radius: 14 },
      ...{ scenery: ['street', 'green', 'green'], isOnPole: true },
      write(page) {
        return towns.flatMap((town, i) => {
          const y = size * 1.25 + i * row
          const direction = dice.pick(['left', 'right', 'straight on'] as const)
          const arrowBox = arrow(page, size * 1.1, y - size * 0.35, size * 0.9, direction, ink)
          const name = page.write(town, size * 2, y, page.fitted(town, widest, style))
          const distance = `${dice.int(2, 980)}${unit}`
          const far = page.write(distance, width - size * 0.6, y, {
            ...style,
            align: 'right',
            size: size * 0.85,
          })
          const order = ['first', 'second', 'third', 'fourth'][i]!
          return [
            readBeside(
              'sign.distance',
              dice.pick([`How far is it to ${name.text}?`, `What is the distance to ${name.text}?`]),
              name,
              far,
            ),
            derived('sign.direction', `Which way is ${name.text}: left, right or straight on?`, direction, [
              { text: '', box: arrowBox },
              name,
            ]),
            read(
              'sign.place',
              count === 1 ? 'Which place does the sign point to?' : `Which place is in the ${order} row?`,
              name,
            ),
          ]
        })
      },
    }
  },
  street(dice, words, fonts) {
    const name = dice.chance(0.5)
      ? words.street().replace(/^\d+ /, '')
      : `${words.lastName()} ${dice.pick(['Street', 'Lane', 'Avenue', 'Road', 'Square', 'Platz', 'Weg'])}`
    const number = String(dice.int(1, 499))
    const isNumber = dice.chance(0.35)
    const size = dice.float(40, 60)
    const [color, ink] = dice.pick([
      ['#17418f', '#ffffff'],
      ['#ffffff', '#101010'],
      ['#0d5c3a', '#ffffff'],
      ['#222222', '#f0f0f0'],
    ] as const)
    const style: TextStyle = {
      family: fonts.pick(dice, 'sans', 'condensed', 'serif'),
      size,
      color: ink,
      align: 'center',
      face: 'bold',
    }
    const width = Math.min(new Page(8, 8).widthOf(name, style) + size * 1.8, 1000)
    const height = size * (isNumber ? 3.4 : 1.9)
    return {
      ...{ width, height, color, border: dice.chance(0.7) ? ink : undefined, radius: dice.pick([4, 10]) },
      ...{ scenery: [...walls, 'street'], isOnPole: false },
      write(page) {
        const mark = page.write(name, width / 2, size * 1.25, page.fitted(name, width * 0.86, style))
        const asked = [
          read('sign.street', dice.pick(['Which street is this?', 'What is the name on the sign?']), mark),
        ]
        if (!isNumber) return asked
        const below = page.write(number, width / 2, size * 2.75, { ...style, size: size * 1.3 })
        return [...asked, read('sign.house', 'What is the number on the sign?', below)]
      },
    }
  },
  warning(dice, words, fonts) {
    const headline = dice.pick([
      'CAUTION',
      'DANGER',
      'NOTICE',
      'WARNING',
      'ATTENTION',
      'PRIVATE',
      'STOP',
      'NO ENTRY',
      'KEEP OUT',
      'PLEASE NOTE',
    ])
    const [band, color, ink] = dice.pick([
      ['#f2c500', '#fff8d8', '#141414'],
      ['#c4161c', '#ffffff', '#141414'],
      ['#e8731a', '#ffffff', '#141414'],
      ['#0d4ea0', '#ffffff', '#0c2340'],
    ] as const)
    const text = dice.pick([
      () => `${capital(words.adjective())} ${words.noun()} ahead`,
      () => `No ${plural(words.noun())} beyond this ${words.noun()}`,
      () => `Beware of the ${words.adjective()} ${words.noun()}`,
      () =>
        `${capital(words.noun())} in use. Do not ${dice.pick(['open', 'enter', 'touch', 'cross', 'climb'])}.`,
      () => `Only for ${plural(words.noun())} and ${plural(words.noun())}`,
      () => `Please leave all ${plural(words.noun())} at the ${words.noun()}`,
      () => `Max. ${dice.int(2, 99)} ${plural(words.noun())} per ${words.noun()}`,
    ])()
    const size = dice.float(30, 42)
    const width = dice.int(420, 620)
    const style: TextStyle = {
      family: fonts.pick(dice, 'sans', 'condensed'),
      size,
      color: ink,
      align: 'center',
      face: dice.pick(['regular', 'bold'] as const),
    }
    const lines = new Page(8, 8).wrapped(text, width * 0.84, style)
    const phone = dice.chance(0.5) ? words.phone() : undefined
    const top = size * 2.1
    const height = top + size * (1.35 * lines.length + 0.9) + (phone === undefined ? 0 : size * 1.3)
    return {
      ...{ width, height, color, border: undefined, radius: 8 },
      ...{ scenery: [...walls, 'green', 'street'], isOnPole: dice.chance(0.25) },
      write(page) {
        page.fill(band, 8, 8, width - 16, top - 14)
        const isLight = band === '#f2c500'
        page.write(
          headline,
          width / 2,
          size * 1.5,
          page.fitted(headline, width * 0.85, {
            ...style,
            size: size * 1.35,
            face: 'bold',
            color: isLight ? '#141414' : '#ffffff',
          }),
        )
        const marks = lines.map((line, i) =>
          page.write(line, width / 2, top + size * (1.15 + 1.35 * i), style),
        )
        const whole: Asked = {
          form: 'sign.warning',
          question: `What does the sign say below "${headline}"?`,
          answer: marks.map((mark) => mark.text).join(' '),
          evidence: marks,
          isRead: true,
        }
        if (phone === undefined) return [whole]
        const small: TextStyle = { ...style, size: size * 0.75 }
        const mark = page.write(
          `Tel. ${phone}`,
          width / 2,
          height - size * 0.6,
          page.fitted(`Tel. ${phone}`, width * 0.85, small),
        )
        return [
          whole,
          {
            ...read('sign.phone', 'Which phone number is on the sign?', mark),
            answer: mark.text.replace(/^tel\. /i, ''),
          },
        ]
      },
    }
  },
  hours(dice, words, fonts) {
    const write = timeStyle(dice)
    const size = dice.float(27, 36)
    const isDark = dice.chance(0.4)
    const ink = isDark ? '#f5f5f0' : '#171717'
    const style: TextStyle = { family: fonts.pick(dice, 'sans', 'serif', 'condensed'), size, color: ink }
    const rows = dice.pick([
      ['Mon – Fri', 'Saturday', 'Sunday'],
      ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'],
      ['Weekdays', 'Sat', 'Sun'],
      ['Mon', 'Tue', 'Wed – Fri', 'Sat – Sun'],
    ])
    const width = size * 15.5
    const height = size * (3.6 + rows.length * 1.5)
    const shop = words.company()
    return {
      ...{
        width,
        height,
        color: isDark
          ? dice.pick(['#1d1f22', '#20344a', '#4a1f24'])
          : dice.pick(['#ffffff', '#f4efe2', '#e9eef2']),
        border: ink,
        radius: 6,
      },
      ...{ scenery: walls, isOnPole: false },
      write(page) {
        const name = page.write(
          shop,
          width / 2,
          size * 1.6,
          page.fitted(shop, width * 0.84, { ...style, size: size * 1.3, face: 'bold', align: 'center' }),
        )
        const asked = [read('sign.hours-name', 'Whose opening hours are these?', name)]
        page.write(dice.pick(['Opening hours', 'OPEN', 'Hours', 'We are open']), width / 2, size * 2.9, {
          ...style,
          size: size * 0.85,
          align: 'center',
        })
        for (const [i, day] of rows.entries()) {
          const y = size * (4.4 + 1.5 * i)
          const label = page.write(day, width * 0.09, y, style)
          const opens = dice.int(24, 47) * 15
          const hours = `${write(opens)} – ${write(opens + dice.int(12, 40) * 15)}`
          const mark = page.write(
            hours,
            width * 0.91,
            y,
            page.fitted(hours, width * 0.55, { ...style, align: 'right' }),
          )
          asked.push(readBeside('sign.hours', `What are the opening hours for "${day}"?`, label, mark))
        }
        return asked
      },
    }
  },
  door(dice, words, fonts) {
    const size = dice.float(30, 42)
    const width = dice.int(380, 520)
    const height = size * 6.4
    const [color, ink] = dice.pick([
      ['#c9ccd0', '#1b1b1b'],
      ['#f5f5f3', '#1b2a44'],
      ['#c2a14d', '#221a08'],
      ['#23272e', '#f0f0f0'],
    ] as const)
    const align = dice.pick(['left', 'center'] as const)
    const style: TextStyle = { family: fonts.pick(dice, 'sans', 'serif'), size, color: ink, align }
    return {
      ...{
        width,
        height,
        color,
        border: undefined,
        radius: 6,
        scenery: ['plaster', 'planks', 'metal'],
        isOnPole: false,
      },
      write(page) {
        const x = align === 'left' ? width * 0.09 : width / 2
        const room = dice.code(dice.pick(['###', '?.##', '?-###', '#.##']))
        const number = page.write(room, x, size * 1.9, { ...style, size: size * 1.6, face: 'bold' })
        const person = words.person()
        const name = page.write(person, x, size * 3.6, page.fitted(person, width * 0.82, style))
        const job = words.jobTitle()
        const title = page.write(
          job,
          x,
          size * 4.9,
          page.fitted(job, width * 0.82, { ...style, size: size * 0.75 }),
        )
        return [
          read('sign.room', 'What is the room number?', number),
          read('sign.person', 'Whose name is on the door plate?', name),
          read('sign.job', `What does the line below the name say?`, title),
        ]
      },
    }
  },
  menu(dice, words, fonts) {
    const money = moneyStyle(dice)
    const size = dice.float(32, 42)
    const names = words.goods('dishes', dice.int(3, 6))
    const width = size * 14
    const height = size * (3.2 + 1.55 * names.length)
    const style: TextStyle = {
      family: fonts.pick(dice, 'hand', 'hand', 'display'),
      size,
      color: dice.pick(['#f4f1e4', '#ffffff', '#ffe9a8']),
    }
    return {
      ...{
        width,
        height,
        color: dice.pick(['#22282a', '#1d2b24', '#2b2522']),
        border: dice.pick(['#8a5a30', '#b98a52']),
        radius: 4,
      },
      ...{ scenery: ['bricks', 'planks', 'street', 'plaster'], isOnPole: false },
      write(page) {
        const title = `${dice.pick(['Today', 'Menu', 'Specials', 'Lunch'])}: ${words.shop('dishes')}`
        const head = page.write(
          title,
          width / 2,
          size * 1.7,
          page.fitted(title, width * 0.84, { ...style, size: size * 1.15, align: 'center', face: 'bold' }),
        )
        const asked = [read('sign.menu-title', 'What does the top line of the board say?', head)]
        for (const [i, name] of names.entries()) {
          const y = size * (3.4 + 1.55 * i)
          const item = page.write(name, width * 0.08, y, page.fitted(name, width * 0.56, style))
          const price = page.write(money.format(dice.int(15, 520) * 5), width * 0.92, y, {
            ...style,
            align: 'right',
          })
          asked.push(
            readBeside(
              'sign.price',
              dice.pick([`How much is the ${item.text}?`, `What does ${item.text} cost?`]),
              item,
              price,
            ),
          )
        }
        return asked
      },
    }
  },
  offer(dice, words, fonts) {
    const size = dice.float(34, 46)
    const width = dice.int(440, 600)
    const [color, ink] = dice.pick([
      ['#ffffff', '#c4161c'],
      ['#f7d417', '#161616'],
      ['#0f5aa8', '#ffffff'],
      ['#d83a2c', '#ffffff'],
    ] as const)
    const style: TextStyle = {
      family: fonts.pick(dice, 'sans', 'condensed'),
      size,
      color: ink,
      align: 'center',
      face: 'bold',
    }
    const phone = words.phone()
    const [headline, detail] = dice.pick([
      [dice.pick(['FOR RENT', 'TO LET']), `${dice.int(12, 980)} m² ${words.noun()}`],
      [dice.pick(['FOR SALE', 'FOR RENT']), moneyStyle(dice).format(dice.int(90, 9900) * 100)],
      [dice.pick(['SALE', 'OFFER']), `${dice.int(5, 80)}% off all ${plural(words.noun())}`],
      [dice.pick(['VACANCY', 'OPEN HOUSE', 'HIRING', 'NEW']), words.company()],
    ] as const)
    return {
      ...{ width, height: size * 5.4, color, border: dice.chance(0.5) ? ink : undefined, radius: 4 },
      ...{ scenery: ['street', 'green', 'bricks', 'planks'], isOnPole: dice.chance(0.4) },
      write(page) {
        page.write(
          headline,
          width / 2,
          size * 1.8,
          page.fitted(headline, width * 0.84, { ...style, size: size * 1.7 }),
        )
        const second = page.write(
          detail,
          width / 2,
          size * 3.2,
          page.fitted(detail, width * 0.84, { ...style, face: 'regular' }),
        )
        const third = page.write(phone, width / 2, size * 4.6, page.fitted(phone, width * 0.84, style))
        return [
          read('sign.detail', `What does the sign say below "${headline}"?`, second),
          read('sign.phone', 'Which phone number is on the sign?', third),
        ]
      },
    }
  },
}

/** An arrow around a point; its box. */
function arrow(
  page: Page,
  x: number,
  y: number,
  size: number,
  direction: 'left' | 'right' | 'straight on',
  color: string,
): Mark['box'] {
  const { ctx } = page
  ctx.save()
  ctx.translate(x, y)
  ctx.rotate({ left: Math.PI, right: 0, 'straight on': -Math.PI / 2 }[direction])
  ctx.fillStyle = color
  ctx.beginPath()
  for (const [px, py] of [
    [-0.5, -0.1],
    [0.05, -0.1],
    [0.05, -0.36],
    [0.5, 0],
    [0.05, 0.36],
    [0.05, 0.1],
    [-0.5, 0.1],
  ] as const)
    ctx.lineTo(px * size, py * size)
  ctx.fill()
  ctx.restore()
  return page.boxOf(x - size / 2, y - size / 2, x + size / 2, y + size / 2)
}
