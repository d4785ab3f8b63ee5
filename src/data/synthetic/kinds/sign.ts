import type { Board } from '../boards/board.ts'
import { directions } from '../boards/directions.ts'
import { door } from '../boards/door.ts'
import { hours } from '../boards/hours.ts'
import { menu } from '../boards/menu.ts'
import { offer } from '../boards/offer.ts'
import { shop } from '../boards/shop.ts'
import { street } from '../boards/street.ts'
import { warning } from '../boards/warning.ts'
import type { Dice } from '../dice.ts'
import type { Compose } from '../kind.ts'
import { Page } from '../page.ts'
import { paintScenery } from '../scenery.ts'
import { Words } from '../words.ts'

const boards = { shop, directions, street, warning, hours, door, menu, offer }

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
