import type { SKRSContext2D } from '@napi-rs/canvas'
import { fractal, grain, valueNoise } from './camera/noise.ts'
import type { Dice } from './dice.ts'
import type { Page } from './page.ts'

/** Colours of paper: office white, recycled, cream. */
export function paperColor(dice: Dice): string {
  return dice.pick(['#ffffff', '#fdfdfb', '#fbfaf4', '#f7f5ee', '#f4f1e6', '#fafafa', '#f2f4f6'])
}

/** Ink that is nearly black. */
export function inkColor(dice: Dice): string {
  return dice.pick(['#111111', '#1a1a1a', '#222222', '#2b2b30', '#16203a', '#000000', '#333333'])
}

/** A colour that a firm might print its name in. */
export function accentColor(dice: Dice): string {
  return `hsl(${dice.int(0, 359)}, ${dice.int(45, 85)}%, ${dice.int(24, 42)}%)`
}

/** Fibres, unevenness and at times the ring of a cup or a stain, over everything that is printed. */
export function wear(page: Page, dice: Dice): void {
  const { ctx, width, height } = page
  if (dice.chance(0.12)) cupRing(ctx, width, height, dice)
  const image = ctx.getImageData(0, 0, width, height)
  const cloud = fractal(valueNoise(dice), 2)
  const random = grain(dice)
  const strength = dice.float(0, 5)
  const unevenness = dice.float(0, 9)
  const { data } = image
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x += 4) {
      // One value of the slow part serves four pixels.
      const slow = unevenness * cloud(x * 0.006, y * 0.006)
      for (let i = x; i < Math.min(x + 4, width); i++, p += 4) {
        const shift = slow + strength * random()
        data[p] = data[p]! + shift
        data[p + 1] = data[p + 1]! + shift
        data[p + 2] = data[p + 2]! + shift
      }
    }
  ctx.putImageData(image, 0, 0)
}

function cupRing(ctx: SKRSContext2D, width: number, height: number, dice: Dice): void {
  ctx.save()
  ctx.strokeStyle = `rgba(120, 80, 40, ${dice.float(0.08, 0.2)})`
  ctx.lineWidth = dice.float(3, 9)
  ctx.filter = 'blur(1.2px)'
  const radius = Math.min(width, height) * dice.float(0.1, 0.18)
  ctx.beginPath()
  const from = dice.float(0, 6)
  ctx.arc(dice.float(0, width), dice.float(0, height), radius, from, from + dice.float(3.5, 6.2))
  ctx.stroke()
  ctx.restore()
}

/** Bars as on a parcel or a receipt; they mean nothing. */
export function barcode(page: Page, x: number, y: number, width: number, height: number, dice: Dice): void {
  const unit = Math.max(1, width / 110)
  let at = x
  while (at < x + width - 4 * unit) {
    const bar = dice.int(1, 3) * unit
    page.fill('#111111', at, y, bar, height)
    at += bar + dice.int(1, 3) * unit
  }
}

/** A square of dots as of a QR code; it means nothing. */
export function dotCode(page: Page, x: number, y: number, size: number, dice: Dice): void {
  const cells = 25
  const cell = size / cells
  for (let row = 0; row < cells; row++)
    for (let column = 0; column < cells; column++) {
      const inCorner = (row < 8 || row > 16) && (column < 8 || column > 16) && !(row > 16 && column > 16)
      if (!inCorner && dice.chance(0.5))
        page.fill('#111111', x + column * cell, y + row * cell, cell + 0.5, cell + 0.5)
    }
  for (const [column, row] of [
    [0, 0],
    [18, 0],
    [0, 18],
  ] as const) {
    page.fill('#111111', x + column * cell, y + row * cell, 7 * cell, 7 * cell)
    page.fill('#ffffff', x + (column + 1) * cell, y + (row + 1) * cell, 5 * cell, 5 * cell)
    page.fill('#111111', x + (column + 2) * cell, y + (row + 2) * cell, 3 * cell, 3 * cell)
  }
}
