import { capital } from '../grammar.ts'
import { read } from '../kind.ts'
import { Page, type TextStyle } from '../page.ts'
import type { MakeBoard } from './board.ts'

/** The sign over a shop: its name, and perhaps a line below. */
export const shop: MakeBoard = (dice, words, fonts) => {
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
}
