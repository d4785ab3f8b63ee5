import { type Canvas, createCanvas } from '@napi-rs/canvas'
import type { Dice } from '../dice.ts'
import { fractal, valueNoise } from './noise.ts'

type Rgb = readonly [number, number, number]
/** The colour at a point of a table, in pixels of the final picture. */
type Shade = (x: number, y: number) => Rgb

const surfaces = { wood, plain, stone, marble, cloth, board }
const weights = { wood: 4, plain: 3, stone: 2, marble: 1, cloth: 2, board: 1 } as const

/** A table top, cloth or counter that something lies on. Drawn at half size: a camera blurs what lies behind anyway. */
export function surface(width: number, height: number, dice: Dice): Canvas {
  const shade = surfaces[dice.weighted(weights)](dice)
  const W = Math.ceil(width / 2)
  const H = Math.ceil(height / 2)
  const small = createCanvas(W, H)
  const ctx = small.getContext('2d')
  const image = ctx.createImageData(W, H)
  for (let y = 0, at = 0; y < H; y++)
    for (let x = 0; x < W; x++, at += 4) {
      const [r, g, b] = shade(2 * x, 2 * y)
      image.data[at] = r
      image.data[at + 1] = g
      image.data[at + 2] = b
      image.data[at + 3] = 255
    }
  ctx.putImageData(image, 0, 0)
  const full = createCanvas(width, height)
  const fullCtx = full.getContext('2d')
  fullCtx.imageSmoothingQuality = 'high'
  fullCtx.drawImage(small, 0, 0, width, height)
  // Out of focus; the sharp one stays below the edges, where the filter fades.
  fullCtx.filter = `blur(${dice.float(0.8, 2.2)}px)`
  fullCtx.drawImage(full, 0, 0)
  return full
}

/** Boards with grain that bends around knots. */
function wood(dice: Dice): Shade {
  const tone = dice.pick<Rgb>([
    [181, 136, 92],
    [146, 98, 60],
    [104, 70, 46],
    [205, 170, 126],
    [78, 56, 42],
    [166, 124, 96],
  ])
  const noise = fractal(valueNoise(dice), 3)
  const plank = dice.float(150, 420)
  const turned = dice.chance(0.5)
  const stretch = dice.float(0.002, 0.006)
  return (px, py) => {
    const [x, y] = turned ? [py, px] : [px, py]
    const board = Math.floor(y / plank)
    const shift = board * 53.7
    const inBoard = y / plank - board
    const grainLine = Math.sin((y * 0.11 + 9 * noise(x * stretch + shift, y * 0.012 + shift)) * 2)
    const fibre = noise(x * 0.02 + shift, y * 0.5)
    const seam = inBoard < 0.012 ? -0.35 : 0
    const light = 1 + 0.07 * grainLine + 0.12 * fibre + 0.1 * Math.sin(board * 12.9) + seam
    return [tone[0] * light, tone[1] * light, tone[2] * light * (0.98 + 0.03 * grainLine)]
  }
}

/** A painted or laminated desk. */
function plain(dice: Dice): Shade {
  const tone = dice.pick<Rgb>([
    [226, 224, 220],
    [196, 198, 200],
    [70, 74, 82],
    [42, 42, 46],
    [120, 132, 140],
    [214, 200, 178],
    [88, 110, 128],
    [150, 60, 52],
    [60, 92, 74],
    [238, 236, 232],
  ])
  const noise = fractal(valueNoise(dice), 2)
  return (x, y) => {
    const light = 1 + 0.05 * noise(x * 0.004, y * 0.004) + 0.03 * noise(x * 0.6, y * 0.6)
    return [tone[0] * light, tone[1] * light, tone[2] * light]
  }
}

/** Speckled stone or terrazzo. */
function stone(dice: Dice): Shade {
  const tone = dice.pick<Rgb>([
    [150, 148, 144],
    [96, 96, 98],
    [190, 184, 174],
    [60, 58, 58],
  ])
  const noise = valueNoise(dice)
  const cloud = fractal(noise, 3)
  const size = dice.float(0.12, 0.35)
  return (x, y) => {
    const speck = noise(x * size, y * size)
    const spot = speck > 0.45 ? 0.28 : speck < -0.5 ? -0.3 : 0
    const light = 1 + 0.16 * cloud(x * 0.01, y * 0.01) + spot + 0.08 * noise(x * 0.9, y * 0.9)
    return [tone[0] * light, tone[1] * light, tone[2] * light]
  }
}

/** Pale marble with veins. */
function marble(dice: Dice): Shade {
  const noise = fractal(valueNoise(dice), 4)
  const warmth = dice.float(-6, 6)
  return (x, y) => {
    const vein = Math.abs(noise(x * 0.006, y * 0.006))
    const light = 232 - 70 * Math.exp(-vein * 28) + 14 * noise(x * 0.003 + 9, y * 0.003)
    return [light + warmth, light, light - warmth]
  }
}

/** Woven cloth. */
function cloth(dice: Dice): Shade {
  const tone = dice.pick<Rgb>([
    [120, 40, 44],
    [54, 72, 104],
    [206, 196, 180],
    [92, 96, 86],
    [168, 150, 122],
    [226, 222, 214],
  ])
  const noise = fractal(valueNoise(dice), 3)
  const thread = dice.float(0.5, 0.9)
  const check = dice.chance(0.35) ? dice.float(70, 150) : 0
  return (x, y) => {
    const fold = 0.16 * noise(x * 0.004, y * 0.004)
    const weave = 0.07 * Math.sin(x * thread) * Math.sin(y * thread)
    const square = check && (Math.floor(x / check) + Math.floor(y / check)) % 2 === 0 ? -0.22 : 0
    const light = 1 + fold + weave + square + 0.06 * noise(x * 0.3, y * 0.3)
    return [tone[0] * light, tone[1] * light, tone[2] * light]
  }
}

/** Cork or cardboard. */
function board(dice: Dice): Shade {
  const tone = dice.pick<Rgb>([
    [178, 140, 98],
    [196, 164, 122],
  ])
  const noise = valueNoise(dice)
  return (x, y) => {
    const light = 1 + 0.14 * noise(x * 0.09, y * 0.09) + 0.12 * noise(x * 0.3, y * 0.3)
    return [tone[0] * light, tone[1] * light, tone[2] * light]
  }
}
