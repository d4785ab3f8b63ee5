import { read, readBeside } from '../kind.ts'
import { timeStyle } from '../numbers.ts'
import type { TextStyle } from '../page.ts'
import { type MakeBoard, walls } from './board.ts'

/** When a place is open. */
export const hours: MakeBoard = (dice, words, fonts) => {
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
}
