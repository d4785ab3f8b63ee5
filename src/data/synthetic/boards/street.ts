import { read } from '../kind.ts'
import { Page, type TextStyle } from '../page.ts'
import { type MakeBoard, walls } from './board.ts'

/** A street's name, at times with a house number. */
export const street: MakeBoard = (dice, words, fonts) => {
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
}
