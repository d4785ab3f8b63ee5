import { createCanvas, type ImageData } from '@napi-rs/canvas'
import type { Dice } from '../dice.ts'
import { grain } from './noise.ts'

/** What a lens, a sensor and a file format do to a picture. */
export interface Development {
  /** Radius of the blur in pixels. */
  readonly blur: number
  /** Standard deviation of the sensor's noise, of 255. */
  readonly noise: number
  /** 1 keeps the contrast; below it black and white come nearer. */
  readonly contrast: number
  /** Added to all values, of 255. */
  readonly brightness: number
  /** Factors of red and blue: a warm or cold light. */
  readonly warmth: number
  /** From 1 to 100. */
  readonly jpegQuality: number
}

/** A picture as a telephone takes it, sometimes a poor one. */
export function phoneCamera(dice: Dice): Development {
  const isPoor = dice.chance(0.2)
  return {
    blur: dice.chance(0.5) ? 0 : dice.float(0.2, isPoor ? 0.9 : 0.6),
    noise: dice.float(0.5, isPoor ? 9 : 4),
    contrast: dice.float(isPoor ? 0.6 : 0.82, 1.06),
    brightness: dice.float(-14, 14),
    warmth: dice.normal(0, 0.035),
    jpegQuality: dice.int(isPoor ? 42 : 68, 94),
  }
}

/** A flatbed scanner's file. */
export function scanner(dice: Dice): Development {
  return {
    blur: dice.chance(0.5) ? 0 : dice.float(0.2, 0.5),
    noise: dice.float(0, 2.5),
    contrast: dice.float(0.9, 1.1),
    brightness: dice.float(-4, 8),
    warmth: 0,
    jpegQuality: dice.int(60, 94),
  }
}

/** What was copied, sent and saved, perhaps more than once. */
export function copier(dice: Dice): Development {
  return {
    blur: dice.chance(0.3) ? dice.float(0.3, 0.7) : 0,
    noise: dice.chance(0.6) ? dice.float(0.5, 8) : 0,
    contrast: dice.float(0.65, 1.06),
    brightness: dice.float(-16, 16),
    warmth: dice.normal(0, 0.03),
    jpegQuality: dice.int(55, 94),
  }
}

/** A screenshot that was saved as JPEG. */
export function screenshot(dice: Dice): Development {
  return { blur: 0, noise: 0, contrast: 1, brightness: 0, warmth: 0, jpegQuality: dice.int(78, 96) }
}

/** Light falls unevenly: a slope, a darker rim, and at times a soft shadow of what stands in the way. */
export function light(picture: ImageData, dice: Dice): void {
  const { width, height, data } = picture
  const angle = dice.float(0, 2 * Math.PI)
  const slope = dice.float(0, 0.18)
  const rim = dice.float(0, 0.16)
  const shadow = dice.chance(0.4) ? dice.float(0.12, 0.34) : 0
  const shadowAngle = dice.float(0, 2 * Math.PI)
  const shadowAt = dice.float(-0.5, 0.35)
  const softness = dice.float(0.03, 0.16)
  const curve = dice.float(-0.5, 0.5)
  const at = (x: number, y: number): number => {
    const along = x * Math.cos(shadowAngle) + y * Math.sin(shadowAngle)
    const across = y * Math.cos(shadowAngle) - x * Math.sin(shadowAngle)
    const inShadow = 1 / (1 + Math.exp((along - shadowAt - curve * across * across) / softness))
    const sloped = slope * (x * Math.cos(angle) + y * Math.sin(angle))
    return (1 + sloped - rim * (x * x + y * y)) * (1 - shadow * inShadow)
  }
  // Light changes slowly: a coarse grid is enough, and is interpolated along each line.
  const step = 8
  const columns = Math.ceil(width / step) + 1
  const line = new Float64Array(columns)
  for (let y = 0; y < height; y++) {
    if (y % 2 === 0)
      for (let i = 0; i < columns; i++) line[i] = at((2 * i * step) / width - 1, (2 * y) / height - 1)
    for (let x = 0, p = y * width * 4; x < width; x++, p += 4) {
      const i = Math.floor(x / step)
      const t = x / step - i
      const factor = line[i]! * (1 - t) + line[i + 1]! * t
      data[p] = data[p]! * factor
      data[p + 1] = data[p + 1]! * factor
      data[p + 2] = data[p + 2]! * factor
    }
  }
}

/** Blurs a picture, then changes its tone and adds noise. May change the pixels that are given. */
export function develop(picture: ImageData, development: Development, dice: Dice): ImageData {
  const image = development.blur > 0 ? blurred(picture, development.blur) : picture
  const { data } = image
  const { contrast, brightness, warmth } = development
  const red = contrast * (1 + warmth)
  const blue = contrast * (1 - warmth)
  const lift = 128 * (1 - contrast) + brightness
  const random = grain(dice)
  // Two evenly spread numbers have a deviation of √(2/3) together.
  const luma = development.noise * Math.sqrt(1.5) * 0.8
  const chroma = development.noise * 0.6
  for (let p = 0; p < data.length; p += 4) {
    const shared = luma * (random() + random())
    data[p] = data[p]! * red + lift + shared + chroma * random()
    data[p + 1] = data[p + 1]! * contrast + lift + shared
    data[p + 2] = data[p + 2]! * blue + lift + shared + chroma * random()
  }
  return image
}

/** @param radius in pixels */
function blurred(picture: ImageData, radius: number): ImageData {
  const { width, height } = picture
  const sharp = createCanvas(width, height)
  sharp.getContext('2d').putImageData(picture, 0, 0)
  const ctx = createCanvas(width, height).getContext('2d')
  // The sharp picture stays below, as the filter fades towards the edges.
  ctx.drawImage(sharp, 0, 0)
  ctx.filter = `blur(${radius}px)`
  ctx.drawImage(sharp, 0, 0)
  return ctx.getImageData(0, 0, width, height)
}
