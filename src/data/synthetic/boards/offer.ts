import { plural } from '../grammar.ts'
import { read } from '../kind.ts'
import { moneyStyle } from '../numbers.ts'
import type { TextStyle } from '../page.ts'
import type { MakeBoard } from './board.ts'

/** To let, for sale, or a discount, with a telephone number. */
export const offer: MakeBoard = (dice, words, fonts) => {
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
}
