import { read } from '../kind.ts'
import type { TextStyle } from '../page.ts'
import type { MakeBoard } from './board.ts'

/** A plate beside a door: room, name and position. */
export const door: MakeBoard = (dice, words, fonts) => {
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
}
