import { type Canvas, createCanvas, type ImageData, type SKRSContext2D } from '@napi-rs/canvas'
import type { Dice } from '../dice.ts'
import { type Box, boundsOf } from '../page.ts'
import { copier, type Development, develop, light, phoneCamera, scanner, screenshot } from './develop.ts'
import type { Point, Quad } from './homography.ts'
import { fractal, valueNoise } from './noise.ts'
import { Picture } from './picture.ts'
import { addProps } from './props.ts'
import { surface } from './surface.ts'
import { type Bend, flat, Warp } from './warp.ts'

/**
 * What the page is and so how it is shown: a sheet that lies on something, a small stiff card, a strip of thermal paper that
 * curls, a screen, the whole view already, or a cutting out of any of these, which is shown as it is, as a copy of it, or close up.
 */
export type Subject = 'sheet' | 'card' | 'strip' | 'screen' | 'view' | 'cutting'

/** A picture of a page. What it shows is drawn when it is first asked for; where that lies is known before. */
export interface Photograph {
  readonly width: number
  readonly height: number
  readonly develop: () => Developed
  /** Where a point of the page lies in the picture. */
  readonly pointOf: (x: number, y: number) => Point
  /** Where a box of the page lies in the picture, in whole pixels. */
  readonly boxOf: (box: Box) => Box
}

export interface Developed {
  readonly picture: Picture
  readonly jpegQuality: number
}

/** The most pixels of a picture. */
const MOST_PIXELS = 1_900_000

/** Takes a picture of a page: laid on a surface and seen at an angle, scanned, or as a screen shows it. */
export function photograph(page: Canvas, subject: Subject, dice: Dice): Photograph {
  const manner = subject === 'view' ? 'close' : dice.weighted(manners[subject])
  const same = (x: number, y: number): Point => [x, y]
  if (manner === 'exact')
    return taken(page, same, () => ({
      picture: new Picture(page),
      jpegQuality: screenshot(dice).jpegQuality,
    }))
  if (manner === 'copy') return taken(page, same, () => copied(page, dice))
  const isClose = manner === 'close'
  const shape = isClose
    ? viewShape(page, dice)
    : manner === 'scan'
      ? scanShape(page, dice)
      : phoneShape(page, dice)
  const { width, height, quad } = shape
  const bend =
    manner === 'phone' && (subject === 'strip' || subject === 'sheet') ? paperBend(subject, dice) : flat
  const warp = new Warp(page, quad, bend)
  const place = (x: number, y: number): Point => warp.map(x, y)
  return taken(shape, place, () => {
    const canvas = createCanvas(width, height)
    const ctx = canvas.getContext('2d')
    ctx.fillStyle = manner === 'scan' ? dice.pick(['#fbfbfa', '#f1f1ef', '#e4e4e2', '#2a2a2c']) : '#000000'
    ctx.fillRect(0, 0, width, height)
    if (manner === 'phone') {
      ctx.drawImage(surface(width, height, dice), 0, 0)
      addProps(ctx, quad, width, height, dice)
      dropShadow(ctx, quad, dice)
      if (subject === 'screen') bezel(ctx, quad, dice)
    }
    const picture = ctx.getImageData(0, 0, width, height)
    warp.draw(page, picture, isClose)
    if (manner !== 'scan') light(picture, dice)
    return developed(picture, manner === 'scan' ? scanner(dice) : phoneCamera(dice), dice)
  })
}

const manners = {
  sheet: { phone: 6, scan: 3, exact: 1, copy: 0, close: 0 },
  card: { phone: 8, scan: 2, exact: 0, copy: 0, close: 0 },
  strip: { phone: 8, scan: 2, exact: 0, copy: 0, close: 0 },
  screen: { phone: 2, scan: 0, exact: 8, copy: 0, close: 0 },
  cutting: { phone: 0, scan: 0, exact: 3, copy: 3, close: 4 },
} as const

/** The page as it is after it was copied and saved, at times in fewer pixels: nothing is warped, so it is quick. */
function copied(page: Canvas, dice: Dice): Developed {
  const { width, height } = page
  const canvas = dice.chance(0.5) ? inFewerPixels(page, dice.float(0.72, 0.96)) : page
  return developed(canvas.getContext('2d').getImageData(0, 0, width, height), copier(dice), dice)
}

function developed(picture: ImageData, development: Development, dice: Dice): Developed {
  const { jpegQuality } = development
  return { picture: new Picture(develop(picture, development, dice)), jpegQuality }
}

/** The picture made smaller and then as large as it was. */
function inFewerPixels(picture: Canvas, scale: number): Canvas {
  const { width, height } = picture
  const small = createCanvas(Math.round(width * scale), Math.round(height * scale))
  small.getContext('2d').drawImage(picture, 0, 0, small.width, small.height)
  const back = createCanvas(width, height)
  back.getContext('2d').drawImage(small, 0, 0, width, height)
  return back
}

interface Shape {
  readonly width: number
  readonly height: number
  readonly quad: Quad
}

/** The page turned by a few degrees and seen a little from the side, with some of the table around it. */
function phoneShape(page: Canvas, dice: Dice): Shape {
  const { width, height } = page
  const turn = (dice.chance(0.25) ? dice.float(-8, 8) : dice.normal(0, 2.2)) * (Math.PI / 180)
  // Depth changes little over the short side of a long strip.
  const lean = dice.normal(0, 0.045) * Math.min(1, (1.6 * height) / width)
  const side = dice.normal(0, 0.035) * Math.min(1, (1.6 * width) / height)
  const corners = [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ].map(([u, v]): Point => {
    const depth = 1 + lean * v! + side * u!
    const x = (u! * width) / 2 / depth
    const y = (v! * height) / 2 / depth
    return [x * Math.cos(turn) - y * Math.sin(turn), x * Math.sin(turn) + y * Math.cos(turn)]
  })
  const margin = () => dice.float(0.012, dice.chance(0.3) ? 0.28 : 0.1) * Math.min(width, height)
  return framed(corners, [margin(), margin(), margin(), margin()], dice.float(0.86, 1.08))
}

function scanShape(page: Canvas, dice: Dice): Shape {
  const { width, height } = page
  const turn = dice.normal(0, 0.7) * (Math.PI / 180)
  const corners = [
    [0, 0],
    [width, 0],
    [width, height],
    [0, height],
  ].map(
    ([x, y]): Point => [x! * Math.cos(turn) - y! * Math.sin(turn), x! * Math.sin(turn) + y! * Math.cos(turn)],
  )
  const margin = () => dice.float(0, 12)
  return framed(corners, [margin(), margin(), margin(), margin()], dice.float(0.88, 1.05))
}

/** The view itself, a few percent of it cut away at each side. Nothing that is asked about lies in the outer 6 %. */
function viewShape(page: Canvas, dice: Dice): Shape {
  const { width, height } = page
  const out = (size: number) => -dice.float(0.012, 0.04) * size
  return {
    width,
    height,
    quad: [
      [out(width), out(height)],
      [width - out(width), out(height)],
      [width - out(width), height - out(height)],
      [out(width), height - out(height)],
    ],
  }
}

/** A picture that holds the corners and margins around them, in whole pixels and not too many. */
function framed(corners: readonly Point[], margins: readonly number[], wanted: number): Shape {
  const [left, top, right, bottom] = boundsOf(corners)
  const [marginLeft, marginTop, marginRight, marginBottom] = margins as [number, number, number, number]
  const fullWidth = right - left + marginLeft + marginRight
  const fullHeight = bottom - top + marginTop + marginBottom
  const scale = Math.min(wanted, Math.sqrt(MOST_PIXELS / (fullWidth * fullHeight)))
  const quad = corners.map(
    ([x, y]): Point => [(x - left + marginLeft) * scale, (y - top + marginTop) * scale],
  )
  return {
    width: Math.round(fullWidth * scale),
    height: Math.round(fullHeight * scale),
    quad: quad as unknown as Quad,
  }
}

/** Waves and fold lines of paper, with the light and shade that they make. */
function paperBend(subject: 'sheet' | 'strip', dice: Dice): Bend {
  const strength = subject === 'strip' ? dice.float(0, 0.006) : dice.float(0, 0.0035)
  const waves = dice.float(0.6, 2.2)
  const phase = dice.float(0, 2 * Math.PI)
  const drift = dice.float(-2, 2)
  const folds = dice.chance(0.45)
    ? dice.distinct(dice.int(1, 3), () => String(dice.pick([25, 33, 50, 66, 75])))
    : []
  const foldAt = folds.map((percent) => Number(percent) / 100 + dice.float(-0.01, 0.01))
  const foldDepth = dice.float(0.03, 0.1)
  // Paper that was crushed and smoothed again has facets, each lit in its own way.
  const crush = dice.chance(0.25) ? dice.float(0.04, 0.12) : 0
  const facets = fractal(valueNoise(dice), 3)
  const angle = (u: number, v: number) => 2 * Math.PI * (waves * u + drift * v) + phase
  return {
    shift: (u, v) => strength * Math.sin(angle(u, v)),
    shade: (u, v) => {
      let shade = 1 + strength * 11 * Math.cos(angle(u, v))
      if (crush > 0) shade += crush * facets(u * 5, v * 7)
      for (const at of foldAt) {
        const d = v - at
        // A thin bright ridge with a shadow that fades to one side.
        if (Math.abs(d) < 0.1)
          shade += foldDepth * (Math.exp(-Math.abs(d) * 600) * 0.7 - (d > 0 ? Math.exp(-d * 55) : 0))
      }
      return shade
    },
  }
}

/** The dark frame of a tablet or monitor. */
function bezel(ctx: SKRSContext2D, quad: Quad, dice: Dice): void {
  const [left, top, right, bottom] = boundsOf(quad)
  ctx.save()
  ctx.strokeStyle = dice.pick(['#101114', '#1c1d20', '#26282c', '#c4c6ca'])
  ctx.lineWidth = Math.min(right - left, bottom - top) * dice.float(0.05, 0.11)
  ctx.lineJoin = 'round'
  ctx.shadowColor = 'rgba(0, 0, 0, 0.6)'
  ctx.shadowBlur = 14
  ctx.beginPath()
  for (const [x, y] of quad) ctx.lineTo(x, y)
  ctx.closePath()
  ctx.stroke()
  ctx.restore()
}

function dropShadow(ctx: SKRSContext2D, quad: Quad, dice: Dice): void {
  const reach = dice.float(3, 14)
  ctx.save()
  ctx.filter = `blur(${reach * 0.7}px)`
  ctx.fillStyle = `rgba(0, 0, 0, ${dice.float(0.3, 0.65)})`
  ctx.translate(dice.float(-reach, reach) * 0.5, reach * 0.5)
  ctx.beginPath()
  for (const [x, y] of quad) ctx.lineTo(x, y)
  ctx.closePath()
  ctx.fill()
  ctx.restore()
}

function taken(
  { width, height }: { readonly width: number; readonly height: number },
  pointOf: (x: number, y: number) => Point,
  draw: () => Developed,
): Photograph {
  let drawn: Developed | undefined
  return {
    ...{ width, height, pointOf },
    develop() {
      drawn ??= draw()
      return drawn
    },
    boxOf([left, top, right, bottom]) {
      const corners = [left, right].flatMap((x) => [top, bottom].map((y) => pointOf(x, y)))
      const box = boundsOf(corners)
      const clamp = (value: number, most: number) => Math.min(Math.max(Math.round(value), 0), most)
      return [clamp(box[0], width), clamp(box[1], height), clamp(box[2], width), clamp(box[3], height)]
    },
  }
}
