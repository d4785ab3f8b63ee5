import type { Dice } from '../dice.ts'
import { type Asked, type Compose, read, readBeside } from '../kind.ts'
import { anyDay, dayStyle, moneyStyle, timeStyle } from '../numbers.ts'
import { Page, type TextStyle } from '../page.ts'
import { accentColor, barcode, dotCode } from '../paper.ts'
import { capital, Words } from '../words.ts'

/** What stands on a ticket: a label in small letters, a value, and how it is asked for. */
interface Entry {
  readonly form: string
  readonly label: string
  readonly value: string
  readonly question: string
}

interface Content {
  readonly title: string
  readonly titleQuestion: string
  /** The two or one that stand large. */
  readonly large: readonly Entry[]
  readonly entries: readonly Entry[]
}

/** A ticket of a train, an aeroplane, an event or a car park. */
export const ticket: Compose = (dice, fonts) => {
  const words = new Words(dice)
  const content = contents[dice.weighted({ flight: 3, train: 3, event: 3, parking: 2 })](dice, words)
  const family = fonts.pick(dice, 'sans', 'condensed', 'mono')
  const size = dice.float(18, 22)
  const accent = accentColor(dice)
  const paper = dice.pick(['#ffffff', '#fdfcf6', '#f4f8fb', '#fff6e6', '#f6f0f8', '#eef6ee'])
  const ink = dice.pick(['#141414', '#1c2233', '#2a2020'])
  const body: TextStyle = { family, size, color: ink }
  const small: TextStyle = { ...body, size: size * 0.82, color: '#5a5a5a' }
  const isTall = dice.chance(0.25)
  const width = isTall ? dice.int(460, 560) : dice.int(820, 1000)
  const stub = isTall || dice.chance(0.3) ? 0 : width * dice.float(0.2, 0.27)
  const margin = dice.int(24, 40)
  const page = new Page(width, 1200, paper)
  const asked: Asked[] = []
  const inner = width - stub - 2 * margin

  const bar = size * 2.5
  const isFilled = dice.chance(0.7)
  if (isFilled) page.fill(accent, 0, 0, width, bar)
  const title: TextStyle = {
    ...body,
    family: fonts.pick(dice, 'sans', 'display', 'condensed', 'serif'),
    size: size * 1.35,
    face: 'bold',
    color: isFilled ? '#ffffff' : accent,
  }
  const titleMark = page.write(content.title, margin, bar * 0.66, page.fitted(content.title, inner, title))
  asked.push(read('ticket.title', content.titleQuestion, titleMark))
  let y = bar + size * 1.5

  const columns = isTall ? 2 : dice.int(3, 4)
  const add = (entry: Entry, x: number, room: number, style: TextStyle) => {
    const label = page.write(entry.label, x, y, small)
    const value = page.write(entry.value, x, y + style.size * 1.15, page.fitted(entry.value, room, style))
    asked.push(readBeside(`ticket.${entry.form}`, entry.question, label, value))
  }
  const large: TextStyle = { ...body, size: size * dice.float(1.6, 2.3), face: 'bold' }
  for (const [i, entry] of content.large.entries()) {
    const isStacked = isTall || content.large.length === 1
    add(
      entry,
      margin + (isStacked ? 0 : (i * inner) / content.large.length),
      (inner / (isStacked ? 1 : content.large.length)) * 0.92,
      large,
    )
    if (isStacked) y += large.size * 2
  }
  if (!isTall && content.large.length > 1) y += large.size * 2
  if (dice.chance(0.5))
    page.rule(
      accent,
      margin,
      y - size * 0.9,
      margin + inner,
      y - size * 0.9,
      1.5,
      dice.chance(0.5) ? [6, 5] : [],
    )
  y += size * 0.4
  const shown = dice.sample(content.entries, dice.int(4, content.entries.length))
  const value: TextStyle = { ...body, size: size * 1.1, face: dice.pick(['bold', 'regular'] as const) }
  for (const [i, entry] of shown.entries()) {
    const column = i % columns
    add(entry, margin + (column * inner) / columns, (inner / columns) * 0.92, value)
    if (column === columns - 1 || i === shown.length - 1) y += size * 2.9
  }
  const number = dice.code(dice.pick(['### #### ###', '?#?#?#', '####-####-##', '??########']))
  if (dice.chance(0.6)) {
    barcode(page, margin, y - size * 0.8, inner * 0.6, size * 2.4, dice)
    y += size * 2.6
  }
  const mark = page.write(number, margin, y, { ...body, spacing: size * 0.12 })
  asked.push(read('ticket.number', 'What is the number at the bottom of the ticket?', mark))
  const bottom = y + margin
  if (stub > 0) tearOff(page, width - stub, stub, bottom, bar, size, dice)
  if (isTall && dice.chance(0.6))
    dotCode(page, width - margin - size * 5, bottom - margin - size * 4.4, size * 5, dice)
  return { page: page.cutAt(bottom), subject: 'card', asked }
}

/** The part that is torn off: a dotted line with notches, and a code. */
function tearOff(
  page: Page,
  x: number,
  width: number,
  bottom: number,
  top: number,
  size: number,
  dice: Dice,
): void {
  page.rule('rgba(0, 0, 0, 0.45)', x, 0, x, bottom, 2, [4, 6])
  const { ctx } = page
  ctx.fillStyle = 'rgba(0, 0, 0, 0.55)'
  for (const y of [0, bottom]) {
    ctx.beginPath()
    ctx.arc(x, y, size * 0.6, 0, 7)
    ctx.fill()
  }
  const side = Math.min(width * 0.72, bottom - top - size * 2)
  dotCode(page, x + (width - side) / 2, top + (bottom - top - side) / 2, side, dice)
}

function entry(form: string, label: string, value: string, question: string): Entry {
  return { form, label, value, question }
}

const contents: Readonly<
  Record<'flight' | 'train' | 'event' | 'parking', (dice: Dice, words: Words) => Content>
> = {
  flight(dice, words) {
    const write = timeStyle(dice)
    const [from, to] = [words.city(), words.city()]
    const airline = words.airline().name
    const departs = dice.int(0, 1439)
    return {
      title: dice.chance(0.5) ? airline : `${airline} Boarding Pass`,
      titleQuestion: 'What does the top line of the boarding pass say?',
      large: [
        entry('from', dice.pick(['FROM', 'From']), from, 'Where does the flight start?'),
        entry('to', dice.pick(['TO', 'To']), to, 'Where does the flight go?'),
      ],
      entries: [
        entry(
          'passenger',
          dice.pick(['PASSENGER', 'Name']),
          dice.chance(0.5) ? words.person() : `${words.lastName()}/${words.firstName()}`.toUpperCase(),
          'What is the name of the passenger?',
        ),
        entry(
          'flight',
          dice.pick(['FLIGHT', 'Flight']),
          dice.code(dice.pick(['?? ###', '??####', '?? ##'])),
          'What is the flight number?',
        ),
        entry('gate', 'GATE', dice.code(dice.pick(['?##', '##', '?#'])), 'Which gate is printed?'),
        entry(
          'seat',
          'SEAT',
          `${dice.int(1, 62)}${dice.pick([...'ABCDEFGHJK'])}`,
          'What is the seat number?',
        ),
        entry('date', 'DATE', dayStyle(dice)(anyDay(dice)), 'What is the date of the flight?'),
        entry(
          'boarding',
          dice.pick(['BOARDING', 'Boarding time']),
          write((departs + 1400) % 1440),
          'What is the boarding time?',
        ),
        entry(
          'departure',
          dice.pick(['DEPARTS', 'Departure']),
          write(departs),
          'When does the flight depart?',
        ),
        entry(
          'zone',
          dice.pick(['SEQ', 'PNR']),
          dice.code(dice.pick(['###', '?#???#'])),
          'What is the sequence or booking code?',
        ),
      ],
    }
  },
  train(dice, words) {
    const write = timeStyle(dice)
    const departs = dice.int(240, 1300)
    return {
      title: `${dice.pick(['Rail', 'Railways', 'Bahn', 'Express', 'InterCity', 'Bus Lines', 'Ferries'])} ${capital(words.noun())}`,
      titleQuestion: 'What does the top line of the ticket say?',
      large: [
        entry(
          'from',
          dice.pick(['From', 'Departure station', 'FROM']),
          words.city(),
          'Where does the trip start?',
        ),
        entry('to', dice.pick(['To', 'Arrival station', 'TO']), words.city(), 'Where does the trip end?'),
      ],
      entries: [
        entry(
          'date',
          dice.pick(['Date', 'Travel date']),
          dayStyle(dice)(anyDay(dice)),
          'What is the travel date?',
        ),
        entry('departure', dice.pick(['Departure', 'Dep.']), write(departs), 'What is the departure time?'),
        entry(
          'arrival',
          dice.pick(['Arrival', 'Arr.']),
          write((departs + dice.int(9, 138)) % 1440),
          'What is the arrival time?',
        ),
        entry(
          'coach',
          dice.pick(['Coach', 'Carriage', 'Car']),
          String(dice.int(11, 489)),
          'What is the number of the coach?',
        ),
        entry('seat', 'Seat', String(dice.int(11, 126)), 'What is the seat number?'),
        entry(
          'price',
          dice.pick(['Price', 'Fare']),
          moneyStyle(dice).format(dice.int(180, 26_000)),
          'How much did the ticket cost?',
        ),
        entry(
          'train',
          dice.pick(['Train', 'Service']),
          dice.code(dice.pick(['IC ###', 'RE ####', '?? ###'])),
          'What is the number of the train?',
        ),
        entry(
          'passenger',
          dice.pick(['Passenger', 'Name']),
          words.person(),
          'What is the name of the passenger?',
        ),
      ],
    }
  },
  event(dice, words) {
    return {
      title: dice.pick([
        words.company(),
        `${capital(words.noun())} Theatre`,
        `${words.city()} Arena`,
        `${capital(words.adjective())} Festival`,
        `Cinema ${capital(words.noun())}`,
      ]),
      titleQuestion: 'What does the top line of the ticket say?',
      large: [
        entry(
          'event',
          dice.pick(['PRESENTS', 'Event', 'Live', 'Film']),
          dice.chance(0.5) ? words.title() : words.artist(),
          'What is the event?',
        ),
      ],
      entries: [
        entry('date', 'Date', dayStyle(dice)(anyDay(dice)), 'What is the date of the event?'),
        entry(
          'time',
          dice.pick(['Doors', 'Start', 'Time']),
          timeStyle(dice)(dice.int(540, 1380)),
          'What time is printed on the ticket?',
        ),
        entry(
          'row',
          'Row',
          dice.chance(0.3) ? dice.code('?#') : String(dice.int(10, 78)),
          'Which row is it?',
        ),
        entry('seat', 'Seat', String(dice.int(10, 460)), 'What is the seat number?'),
        entry(
          'section',
          dice.pick(['Section', 'Block', 'Hall']),
          dice.code(dice.pick(['?##', '###', '?#'])),
          'Which section or hall is it?',
        ),
        entry(
          'price',
          'Price',
          moneyStyle(dice).format(dice.int(450, 39_000)),
          'How much did the ticket cost?',
        ),
        entry('venue', dice.pick(['Venue', 'Place']), words.city(), 'Where does it take place?'),
        entry('holder', dice.pick(['Holder', 'Name']), words.person(), 'Who is the holder of the ticket?'),
      ],
    }
  },
  parking(dice, words) {
    const write = timeStyle(dice)
    const day = dayStyle(dice)(anyDay(dice))
    const entered = dice.int(300, 1100)
    return {
      title: `${dice.pick(['Parking', 'Car Park', 'Garage', 'P+R'])} ${words.city()}`,
      titleQuestion: 'What does the top line of the ticket say?',
      large: [
        entry(
          'until',
          dice.pick(['VALID UNTIL', 'Expires', 'Until']),
          write(entered + dice.int(20, 330)),
          'Until when is the ticket valid?',
        ),
      ],
      entries: [
        entry('date', 'Date', day, 'What is the date on the ticket?'),
        entry(
          'entered',
          dice.pick(['Entry', 'From', 'Issued']),
          write(entered),
          'At what time was the ticket issued?',
        ),
        entry(
          'plate',
          dice.pick(['Plate', 'Vehicle']),
          dice.code(dice.pick(['??-## ???', '??? ###', '?## ???'])),
          'What is the license plate?',
        ),
        entry(
          'paid',
          dice.pick(['Paid', 'Fee', 'Amount']),
          moneyStyle(dice).format(dice.int(50, 4900)),
          'How much was paid?',
        ),
        entry(
          'level',
          dice.pick(['Level', 'Zone', 'Bay']),
          dice.code(dice.pick(['?##', '-#', '###'])),
          'Which level, zone or bay is printed?',
        ),
        entry(
          'machine',
          dice.pick(['Machine', 'Terminal', 'Device']),
          dice.code('####'),
          'What is the number of the machine?',
        ),
      ],
    }
  },
}
