import { derived, read, readBeside } from '../kind.ts'
import { type Mark, Page, type TextStyle } from '../page.ts'
import type { MakeBoard } from './board.ts'

/** Places with arrows and distances, at a road. */
export const directions: MakeBoard = (dice, words, fonts) => {
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
