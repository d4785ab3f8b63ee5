import type { Dice } from './dice.ts'
import { capital } from './grammar.ts'
import { anyDay, dayStyle, moneyStyle, timeStyle } from './numbers.ts'
import type { Words } from './words.ts'

/** What stands on a ticket: a label in small letters, a value, and how it is asked for. */
export interface Entry {
  readonly form: string
  readonly label: string
  readonly value: string
  readonly question: string
}

export interface Content {
  readonly title: string
  readonly titleQuestion: string
  /** The two or one that stand large. */
  readonly large: readonly Entry[]
  readonly entries: readonly Entry[]
}

function entry(form: string, label: string, value: string, question: string): Entry {
  return { form, label, value, question }
}

/** What stands on each sort of ticket. */
export const ticketContents: Readonly<
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
