import type { Dice } from './dice.ts'
import type { Family, FontBook, FontCategory } from './faces.ts'
import type { Page, TextStyle } from './page.ts'
import { accentColor, inkColor, paperColor } from './paper.ts'

/** How a small picture of some text looks. */
export interface Look {
  readonly family: Family
  readonly color: string
  readonly face: NonNullable<TextStyle['face']>
  /** Of headings and keys, at times; it stands out from the ground as well. */
  readonly second: string
  /** From the top of the page to its bottom; one colour, or two that run into each other. */
  readonly ground: readonly string[]
  /** Draws what lies below the text, whose lines are `lead` pixels apart, the first on `baseline`. */
  readonly decorate?: (page: Page, baseline: number, lead: number) => void
}

type Design = Omit<Look, 'family' | 'face'> & { readonly families: readonly FontCategory[] }

/** A look for a cutting out of a page, a note, a label, a screen or a poster. */
export function anyLook(dice: Dice, fonts: FontBook): Look {
  const { families, ...design } = designs[dice.weighted(weights)](dice)
  const face = dice.pick(['regular', 'regular', 'regular', 'bold', 'italic'] as const)
  return { ...design, family: fonts.pick(dice, ...families), face }
}

/** Dark ink on white paper in a common family: what is read most easily. */
export function plainLook(dice: Dice, fonts: FontBook): Look {
  const ink = inkColor(dice)
  const family = fonts.pick(dice, 'sans', 'serif', 'mono', 'condensed')
  return { family, face: dice.pick(['regular', 'bold']), color: ink, second: ink, ground: [paperColor(dice)] }
}

/** A part of a page, in pixels. */
export interface Area {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/**
 * Fills the page, and turns what is drawn from now on by up to 3 degrees, in one page of three.
 * @param margin around the area, in pixels
 * @returns the area that stays on the page
 */
export function layGround(page: Page, look: Look, margin: number, dice: Dice): Area {
  const { ctx, width, height } = page
  fillGround(page, look)
  const turn = dice.chance(0.35) ? dice.float(-3, 3) * (Math.PI / 180) : 0
  ctx.translate(width / 2, height / 2)
  ctx.rotate(turn)
  ctx.translate(-width / 2, -height / 2)
  const left = margin + (Math.abs(Math.sin(turn)) * height) / 2
  const top = margin + (Math.abs(Math.sin(turn)) * width) / 2
  return { left, top, width: width - 2 * left, height: height - 2 * top }
}

/** The page in the look's colour, or in two that run into each other. */
export function fillGround({ ctx, width, height }: Page, { ground }: Look): void {
  const gradient = ctx.createLinearGradient(0, 0, 0, height)
  for (const [i, color] of ground.entries()) gradient.addColorStop(i, color)
  ctx.fillStyle = ground.length > 1 ? gradient : ground[0]!
  ctx.fillRect(0, 0, width, height)
}

/** Printed on paper: a book, a letter, a list. */
function paper(dice: Dice): Design {
  const color = dice.chance(0.85) ? inkColor(dice) : accentColor(dice)
  return {
    ...{ color, second: accentColor(dice), ground: [paperColor(dice)] },
    families: ['serif', 'serif', 'sans', 'mono', 'condensed'],
  }
}

/** Squared or lined paper, or a list with a line below each row. */
function ruled(dice: Dice): Design {
  const line = dice.pick(['#c9d4e6', '#d8d8d8', '#e3c9c9', '#bcbcbc'])
  const isSquared = dice.chance(0.4)
  return {
    ...{ color: inkColor(dice), second: accentColor(dice), ground: ['#fdfdfb'] },
    families: ['hand', 'hand', 'sans', 'mono'],
    decorate(page, baseline, lead) {
      const step = isSquared ? lead / 2 : lead
      const first = (baseline + lead * 0.22) % step
      for (let y = first - step; y < page.height + step; y += step)
        page.rule(line, -page.width, y, 2 * page.width, y)
      if (isSquared)
        for (let x = -step; x < page.width + step; x += step)
          page.rule(line, x, -page.height, x, 2 * page.height)
    },
  }
}

/** A handwritten note. */
function note(dice: Dice): Design {
  return {
    color: dice.pick(['#1b2a6b', '#1a1a1a', '#8a1a1a', '#244a3a', '#3a3a3a']),
    second: dice.pick(['#8a1a1a', '#1b2a6b']),
    ground: [dice.pick(['#fdf3a0', '#ffd9e2', '#d7f0ff', '#fdfdf8', '#e4f7d2', '#f4e7cf'])],
    families: ['hand'],
  }
}

/** A sticker, a plate or a price tag with a frame. */
function label(dice: Dice): Design {
  const [ground, color] = dice.pick<readonly [string, string]>([
    ['#ffffff', '#111111'],
    ['#f7d94a', '#141414'],
    ['#c8102e', '#ffffff'],
    ['#1d1d1f', '#f2f2f2'],
    ['#0b4f8a', '#ffffff'],
    ['#dcdcdc', '#1c1c1c'],
    ['#0f6b3c', '#f5f5f5'],
    ['#f2a33a', '#201400'],
  ])
  const thickness = dice.int(1, 3)
  return {
    ...{ color, second: color, ground: [ground] },
    families: ['condensed', 'sans', 'mono', 'display'],
    decorate: (page) => page.outline(color, 4, 4, page.width - 8, page.height - 8, thickness),
  }
}

/** A window, a web page, a message or a menu. */
function screen(dice: Dice): Design {
  const isDark = dice.chance(0.35)
  const grounds = isDark
    ? ['#1e1e1e', '#121417', '#0d1117', '#23272e', '#2b2b2b', '#1a1b26']
    : ['#ffffff', '#fafafa', '#f3f4f6', '#f6f8fa', '#eef1f5', '#fffdf7']
  const colors = isDark
    ? ['#e6e6e6', '#d4d4d4', '#c9d1d9', '#ffffff']
    : ['#111827', '#222222', '#333333', '#24292f', '#555555']
  const seconds = isDark
    ? ['#58a6ff', '#4ec9b0', '#dcdcaa', '#ff9e64']
    : ['#0b57d0', '#a31515', '#1a7f37', '#6f42c1']
  const second = dice.pick(seconds)
  const tint = isDark ? 'rgba(255, 255, 255, 0.08)' : 'rgba(20, 60, 120, 0.08)'
  const has = dice.weighted({ nothing: 4, stripes: 2, side: 1 })
  return {
    ...{ color: dice.pick(colors), second, ground: [dice.pick(grounds)] },
    families: ['sans', 'sans', 'mono', 'serif'],
    decorate(page, baseline, lead) {
      if (has === 'side') page.fill(second, 0, -20, 4, page.height + 40)
      if (has === 'stripes')
        for (let y = baseline - lead * 0.75; y < page.height; y += 2 * lead)
          page.fill(tint, -20, y, page.width + 40, lead)
    },
  }
}

function terminal(dice: Dice): Design {
  return {
    color: dice.pick(['#33ff66', '#ffb000', '#e0e0e0', '#c0c0c0', '#93a1a1']),
    second: dice.pick(['#ffffff', '#7fd7ff']),
    ground: [dice.pick(['#000000', '#101010', '#300a24', '#002b36', '#0c1a0c'])],
    families: ['mono'],
  }
}

/** Any two colours that differ enough in brightness. */
function coloured(dice: Dice): Design {
  const ground = anyColor(dice)
  return {
    color: contrasting(ground, dice),
    second: contrasting(ground, dice),
    ground: [hsl(ground)],
    families: ['sans', 'serif', 'condensed', 'display', 'hand', 'mono'],
  }
}

/** Light letters over a ground that changes its colour. */
function poster(dice: Dice): Design {
  const hue = dice.int(0, 359)
  return {
    color: dice.pick(['#ffffff', '#ffe9b0', '#f0f0f0', '#fff27a']),
    second: '#ffffff',
    ground: [
      hsl([hue, dice.int(30, 80), dice.int(12, 30)]),
      hsl([hue + dice.int(0, 60), dice.int(30, 80), dice.int(16, 34)]),
    ],
    families: ['display', 'condensed', 'sans', 'serif'],
  }
}

/** Grey on grey: a photocopy, thermal paper that has aged, a pencil, small print. */
function faded(dice: Dice): Design {
  const [paper, warmth] = [dice.int(170, 235), dice.int(-10, 10)]
  const ink = paper - dice.int(70, 130)
  const grey = (value: number) => `rgb(${value + warmth}, ${value}, ${value - warmth})`
  return {
    ...{ color: grey(ink), second: grey(ink - 20), ground: [grey(paper)] },
    families: ['mono', 'sans', 'serif', 'condensed', 'hand'],
  }
}

const designs = { paper, ruled, note, label, screen, terminal, coloured, poster, faded }
const weights = {
  ...{ paper: 4, ruled: 1, note: 2, label: 2, screen: 4, terminal: 1, coloured: 4, poster: 2, faded: 2 },
} as const

/** Hue in degrees, saturation and lightness in percent. */
type Hsl = readonly [hue: number, saturation: number, lightness: number]

function anyColor(dice: Dice): Hsl {
  return [dice.int(0, 359), dice.int(0, 90), dice.int(8, 95)]
}

/** A colour whose brightness differs from another's by a chosen part of all there is. */
function contrasting(ground: Hsl, dice: Dice): string {
  const wanted = dice.chance(0.25) ? dice.float(0.3, 0.45) : dice.float(0.45, 0.75)
  const brightness = brightnessOf(ground)
  for (let tries = 0; tries < 30; tries++) {
    const color = anyColor(dice)
    if (Math.abs(brightnessOf(color) - brightness) >= wanted) return hsl(color)
  }
  return brightness > 0.5 ? '#000000' : '#ffffff'
}

/** From 0 to 1, as BT.601 weighs red, green and blue. */
function brightnessOf([hue, saturation, lightness]: Hsl): number {
  const light = lightness / 100
  const reach = (saturation / 100) * Math.min(light, 1 - light)
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12
    return light - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1))
  }
  return 0.299 * channel(0) + 0.587 * channel(8) + 0.114 * channel(4)
}

function hsl([hue, saturation, lightness]: Hsl): string {
  return `hsl(${hue}, ${saturation}%, ${lightness}%)`
}
