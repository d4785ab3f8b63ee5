import type { SKRSContext2D } from '@napi-rs/canvas'
import type { Dice } from '../dice.ts'
import type { Point, Quad } from './homography.ts'

/** Puts a thing or two on the table beside the sheet, partly out of the picture or below the sheet. */
export function addProps(ctx: SKRSContext2D, quad: Quad, width: number, height: number, dice: Dice): void {
  if (!dice.chance(0.45)) return
  const size = Math.min(width, height)
  for (let count = dice.int(1, 2); count > 0; count--) {
    ctx.save()
    const [x, y] = beside(quad, width, height, dice)
    ctx.translate(x, y)
    ctx.rotate(dice.float(0, 2 * Math.PI))
    ctx.shadowColor = 'rgba(0, 0, 0, 0.5)'
    ctx.shadowBlur = size * 0.02
    ctx.shadowOffsetY = size * 0.008
    dice.pick([pen, cup, coin, pad])(ctx, size, dice)
    ctx.restore()
  }
}

/** A point near the picture's edge, where the table shows. */
function beside(quad: Quad, width: number, height: number, dice: Dice): Point {
  const [corner, next] = dice.pick([
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 0],
  ] as const)
  const along = dice.float(0.05, 0.95)
  const x = quad[corner][0] * (1 - along) + quad[next][0] * along
  const y = quad[corner][1] * (1 - along) + quad[next][1] * along
  const outward = dice.float(0.02, 0.09) * Math.min(width, height)
  const fromMiddle = Math.hypot(x - width / 2, y - height / 2)
  return [x + ((x - width / 2) / fromMiddle) * outward, y + ((y - height / 2) / fromMiddle) * outward]
}

function pen(ctx: SKRSContext2D, size: number, dice: Dice): void {
  const length = size * dice.float(0.45, 0.6)
  const thick = size * dice.float(0.018, 0.024)
  const [dark, bright] = dice.pick([
    ['#1c2a4a', '#4a66a8'],
    ['#222222', '#6a6a6a'],
    ['#7a1d1d', '#c85a5a'],
    ['#9c8230', '#e6cf80'],
    ['#b9bcc0', '#f2f4f6'],
  ] as const)
  const body = ctx.createLinearGradient(0, -thick, 0, thick)
  body.addColorStop(0, dark)
  body.addColorStop(0.35, bright)
  body.addColorStop(1, dark)
  ctx.fillStyle = body
  ctx.beginPath()
  ctx.moveTo(-length / 2, -thick)
  ctx.lineTo(length * 0.42, -thick)
  ctx.lineTo(length / 2, -thick * 0.15)
  ctx.lineTo(length / 2, thick * 0.15)
  ctx.lineTo(length * 0.42, thick)
  ctx.lineTo(-length / 2, thick)
  ctx.fill()
  ctx.shadowColor = 'transparent'
  ctx.fillStyle = '#c9ccd0'
  ctx.fillRect(length * 0.1, -thick, thick * 0.7, 2 * thick)
  ctx.fillRect(-length * 0.45, -thick * 0.25, length * 0.22, thick * 0.5)
}

function cup(ctx: SKRSContext2D, size: number, dice: Dice): void {
  const radius = size * dice.float(0.11, 0.16)
  const china = dice.pick(['#f4f2ee', '#e9e4da', '#38506a', '#3a3a3a', '#a84a3a'])
  disc(ctx, radius, china)
  ctx.shadowColor = 'transparent'
  disc(ctx, radius * 0.9, 'rgba(0, 0, 0, 0.25)')
  disc(ctx, radius * 0.86, dice.pick(['#3b2314', '#5a3a22', '#8a5f38', '#6f8a3a']))
  ctx.fillStyle = china
  ctx.fillRect(radius * 0.95, -radius * 0.16, radius * 0.55, radius * 0.32)
}

function coin(ctx: SKRSContext2D, size: number, dice: Dice): void {
  const radius = size * dice.float(0.025, 0.04)
  const [face, rim] = dice.pick([
    ['#c9a24a', '#94742c'],
    ['#c4c6c8', '#8e9194'],
    ['#a8683e', '#7a4626'],
  ] as const)
  disc(ctx, radius, rim)
  ctx.shadowColor = 'transparent'
  disc(ctx, radius * 0.88, face)
  disc(ctx, radius * 0.5, rim)
  disc(ctx, radius * 0.44, face)
}

/** The corner of a note pad or a telephone. */
function pad(ctx: SKRSContext2D, size: number, dice: Dice): void {
  ctx.fillStyle = dice.pick(['#f6e27a', '#f5a8b8', '#a8d8f0', '#1b1c1f', '#2c2f36', '#efefe9'])
  ctx.beginPath()
  ctx.roundRect(0, -size * 0.1, size * 0.3, size * 0.22, size * 0.012)
  ctx.fill()
}

function disc(ctx: SKRSContext2D, radius: number, color: string): void {
  ctx.fillStyle = color
  ctx.beginPath()
  ctx.arc(0, 0, radius, 0, 2 * Math.PI)
  ctx.fill()
}
