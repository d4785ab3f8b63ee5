import { fractal, valueNoise } from './camera/noise.ts'
import type { Dice } from './dice.ts'
import type { Page } from './page.ts'

/** What is behind a sign. */
export type Scenery = 'bricks' | 'plaster' | 'planks' | 'street' | 'green' | 'metal'

export function paintScenery(page: Page, scenery: Scenery, dice: Dice): void {
  painters[scenery](page, dice)
}

const painters: Readonly<Record<Scenery, (page: Page, dice: Dice) => void>> = {
  bricks(page, dice) {
    const [hue, light] = dice.pick([
      [12, 38],
      [18, 46],
      [8, 32],
      [30, 60],
    ] as const)
    const brick = dice.float(58, 96)
    const course = brick * 0.36
    page.fill(`hsl(35, 10%, ${dice.int(55, 74)}%)`, 0, 0, page.width, page.height)
    for (let row = 0; row * course < page.height; row++)
      for (let x = row % 2 === 0 ? 0 : -brick / 2; x < page.width; x += brick) {
        const tone = light + dice.normal(0, 4)
        page.fill(
          `hsl(${hue + dice.normal(0, 3)}, ${dice.int(30, 48)}%, ${tone}%)`,
          x + 2,
          row * course + 2,
          brick - 4,
          course - 4,
        )
      }
    roughen(page, 14, 0.05, dice)
  },
  plaster(page, dice) {
    const hue = dice.weighted({ 35: 4, 45: 3, 20: 2, 210: 2, 90: 1 })
    page.fill(`hsl(${hue}, ${dice.int(4, 26)}%, ${dice.int(52, 88)}%)`, 0, 0, page.width, page.height)
    roughen(page, 22, 0.012, dice)
    roughen(page, 10, 0.25, dice)
  },
  planks(page, dice) {
    const hue = dice.int(18, 36)
    const light = dice.int(22, 58)
    const plank = dice.float(60, 130)
    for (let x = 0; x < page.width; x += plank) {
      page.fill(`hsl(${hue}, ${dice.int(24, 40)}%, ${light + dice.normal(0, 3)}%)`, x, 0, plank, page.height)
      page.fill('rgba(0, 0, 0, 0.45)', x, 0, 3, page.height)
    }
    roughen(page, 26, 0.03, dice, 8)
  },
  metal(page, dice) {
    page.fill(
      `hsl(${dice.int(190, 230)}, ${dice.int(2, 12)}%, ${dice.int(48, 78)}%)`,
      0,
      0,
      page.width,
      page.height,
    )
    const panel = dice.float(200, 420)
    for (let x = dice.float(0, panel); x < page.width; x += panel)
      page.fill('rgba(0, 0, 0, 0.3)', x, 0, 4, page.height)
    roughen(page, 12, 0.01, dice, 0.2)
  },
  street(page, dice) {
    const { ctx, width, height } = page
    const sky = ctx.createLinearGradient(0, 0, 0, height * 0.6)
    const hue = dice.int(198, 218)
    sky.addColorStop(0, `hsl(${hue}, ${dice.int(15, 65)}%, ${dice.int(58, 76)}%)`)
    sky.addColorStop(1, `hsl(${hue}, ${dice.int(10, 40)}%, ${dice.int(80, 92)}%)`)
    ctx.fillStyle = sky
    ctx.fillRect(0, 0, width, height)
    ctx.save()
    ctx.filter = `blur(${dice.float(3, 7)}px)`
    const ground = height * dice.float(0.74, 0.86)
    for (let x = -40; x < width; ) {
      const wide = dice.float(110, 240)
      const high = dice.float(0.25, 0.72) * height
      const wall = `hsl(${dice.int(10, 50)}, ${dice.int(8, 40)}%, ${dice.int(38, 76)}%)`
      page.fill(wall, x, ground - high, wide, high)
      const pane = dice.pick(['#2f3b48', '#51606e', '#c8d6e0', '#6b5a45'])
      for (let row = ground - high + 26; row < ground - 60; row += 62)
        for (let column = x + 18; column < x + wide - 30; column += 46) page.fill(pane, column, row, 24, 36)
      x += wide + (dice.chance(0.3) ? dice.float(10, 70) : 0)
    }
    for (let trees = dice.int(0, 3); trees > 0; trees--)
      tree(page, dice.float(0, width), ground, dice.float(60, 130), dice)
    page.fill(`hsl(220, 5%, ${dice.int(30, 52)}%)`, 0, ground, width, height - ground)
    page.fill(`hsl(40, 6%, ${dice.int(58, 72)}%)`, 0, ground, width, height * 0.025)
    ctx.restore()
  },
  green(page, dice) {
    const { ctx, width, height } = page
    page.fill(`hsl(${dice.int(85, 120)}, ${dice.int(22, 40)}%, ${dice.int(22, 40)}%)`, 0, 0, width, height)
    ctx.save()
    ctx.filter = 'blur(9px)'
    for (let i = 0; i < 170; i++) {
      ctx.fillStyle = `hsla(${dice.int(70, 130)}, ${dice.int(25, 55)}%, ${dice.int(14, 66)}%, 0.55)`
      ctx.beginPath()
      ctx.arc(dice.float(0, width), dice.float(0, height), dice.float(10, 60), 0, 7)
      ctx.fill()
    }
    ctx.restore()
  },
}

function tree(page: Page, x: number, ground: number, size: number, dice: Dice): void {
  const { ctx } = page
  page.fill('#4a3a2c', x - size * 0.07, ground - size * 1.2, size * 0.14, size * 1.2)
  for (let i = 0; i < 14; i++) {
    ctx.fillStyle = `hsl(${dice.int(80, 130)}, ${dice.int(25, 45)}%, ${dice.int(20, 42)}%)`
    ctx.beginPath()
    ctx.arc(
      x + dice.normal(0, size * 0.3),
      ground - size * 1.5 + dice.normal(0, size * 0.3),
      size * dice.float(0.2, 0.4),
      0,
      7,
    )
    ctx.fill()
  }
}

/** Makes a painted surface uneven; `stretch` above 1 draws the unevenness out downwards. */
function roughen(page: Page, strength: number, scale: number, dice: Dice, stretch = 1): void {
  const noise = fractal(valueNoise(dice), 3)
  const { ctx, width, height } = page
  const image = ctx.getImageData(0, 0, width, height)
  const { data } = image
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x += 2) {
      const shift = strength * noise(x * scale, (y * scale) / stretch)
      for (let i = x; i < Math.min(x + 2, width); i++, p += 4) {
        data[p] = data[p]! + shift
        data[p + 1] = data[p + 1]! + shift
        data[p + 2] = data[p + 2]! + shift
      }
    }
  ctx.putImageData(image, 0, 0)
}
