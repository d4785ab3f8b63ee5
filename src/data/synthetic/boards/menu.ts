import { read, readBeside } from '../kind.ts'
import { moneyStyle } from '../numbers.ts'
import type { TextStyle } from '../page.ts'
import type { MakeBoard } from './board.ts'

/** A blackboard with dishes and prices. */
export const menu: MakeBoard = (dice, words, fonts) => {
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
}
