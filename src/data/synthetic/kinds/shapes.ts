import type { SKRSContext2D } from '@napi-rs/canvas'
import { surface } from '../camera/surface.ts'
import type { Dice } from '../dice.ts'
import { type Asked, type Compose, derived } from '../kind.ts'
import { type Box, type Mark, Page } from '../page.ts'
import {
  type ShapeColor as Color,
  type ShapeForm as Form,
  shapeForms as forms,
  shapeName,
} from '../shape-names.ts'

const colors = {
  red: [356, 78, 46],
  blue: [216, 78, 46],
  green: [138, 60, 34],
  yellow: [49, 95, 54],
  orange: [25, 92, 53],
  purple: [276, 48, 44],
  pink: [333, 76, 72],
  black: [220, 8, 13],
  white: [50, 12, 95],
} as const satisfies Record<Color, readonly number[]>

/** A thing on the table. */
interface Thing {
  readonly color: Color
  readonly form: Form
  readonly x: number
  readonly y: number
  readonly radius: number
  readonly mark: Mark
}

/** Coloured shapes of paper or wood on a table: how many, which colour, how large, and where. */
export const shapes: Compose = (dice) => {
  const width = dice.int(640, 980)
  const height = Math.round(width * dice.float(0.62, 0.85))
  const page = new Page(width, height)
  page.ctx.drawImage(surface(width, height, dice), 0, 0)
  const manner = dice.pick(['paper', 'block', 'block'] as const)
  const unit = Math.min(width, height)
  const palette = dice.sample(visible(page), dice.int(3, 7))
  const kinds = dice.sample(forms, dice.int(3, forms.length))
  const wanted = dice.int(2, 11)
  const things: Thing[] = []
  for (let tries = 0; things.length < wanted && tries < 600; tries++) {
    const isLarge = dice.chance(0.3)
    const radius = unit * (isLarge ? dice.float(0.1, 0.125) : dice.float(0.055, 0.075))
    const x = dice.float(width * 0.08 + radius, width * 0.92 - radius)
    const y = dice.float(height * 0.08 + radius, height * 0.92 - radius)
    const isFree = things.every(
      (other) => Math.hypot(other.x - x, other.y - y) > (other.radius + radius) * 1.22,
    )
    if (!isFree) continue
    const color = dice.pick(palette)
    const form = dice.pick(kinds)
    const box = draw(page, form, color, x, y, radius, manner, dice)
    page.shape(shapeName(color, form, isLarge), x, y, 2 * radius)
    things.push({ color, form, x, y, radius, mark: { text: shapeName(color, form, false), box } })
  }
  return { page, subject: 'view', asked: ask(things, palette, kinds, dice) }
}

/** The colours that stand out from the table. */
function visible(page: Page): Color[] {
  const { data } = page.ctx.getImageData(0, 0, page.width, page.height)
  const sum = [0, 0, 0]
  let count = 0
  for (let p = 0; p < data.length; p += 4 * 97) {
    for (let c = 0; c < 3; c++) sum[c]! += data[p + c]!
    count++
  }
  const mean = sum.map((value) => value / count)
  return (Object.keys(colors) as Color[]).filter((color) => {
    const rgb = rgbOf(color)
    return Math.hypot(...rgb.map((value, c) => value - mean[c]!)) > 95
  })
}

function rgbOf(color: Color): number[] {
  const [hue, saturation, lightness] = colors[color]
  const a = (saturation / 100) * Math.min(lightness / 100, 1 - lightness / 100)
  return [0, 8, 4].map((n) => {
    const k = (n + hue / 30) % 12
    return 255 * (lightness / 100 - a * Math.max(-1, Math.min(k - 3, 9 - k, 1)))
  })
}

/** Draws one shape with its shadow and, for a block, its side; the box around it. */
function draw(
  page: Page,
  form: Form,
  color: Color,
  x: number,
  y: number,
  radius: number,
  manner: 'paper' | 'block',
  dice: Dice,
): Box {
  const { ctx } = page
  const [hue, saturation, lightness] = colors[color]
  const tone = (change: number) =>
    `hsl(${hue}, ${saturation}%, ${Math.min(97, Math.max(4, lightness + change))}%)`
  const jitter = dice.float(-4, 4)
  // A square on its corner is still a square, but a cross must not become an x.
  const turn = form === 'circle' || form === 'ring' ? 0 : dice.normal(0, 0.16)
  const depth = manner === 'block' ? radius * 0.22 : 0
  ctx.save()
  ctx.translate(x, y)
  ctx.rotate(turn)
  ctx.shadowColor = 'rgba(0, 0, 0, 0.5)'
  ctx.shadowBlur = manner === 'block' ? radius * 0.3 : radius * 0.1
  ctx.shadowOffsetX = radius * 0.08
  ctx.shadowOffsetY = manner === 'block' ? radius * 0.22 : radius * 0.06
  ctx.fillStyle = tone(jitter - 16)
  if (depth > 0) {
    for (let step = depth; step > 0; step -= 1) {
      ctx.save()
      ctx.rotate(-turn)
      ctx.translate(0, step)
      ctx.rotate(turn)
      ctx.beginPath()
      outlines[form](ctx, radius)
      ctx.fill(form === 'ring' ? 'evenodd' : 'nonzero')
      ctx.restore()
      ctx.shadowColor = 'transparent'
    }
  }
  const light = ctx.createLinearGradient(-radius, -radius, radius, radius)
  light.addColorStop(0, tone(jitter + 7))
  light.addColorStop(1, tone(jitter - 5))
  ctx.fillStyle = light
  ctx.beginPath()
  outlines[form](ctx, radius)
  ctx.fill(form === 'ring' ? 'evenodd' : 'nonzero')
  ctx.restore()
  const reach = radius * (form === 'circle' || form === 'ring' ? 1 : 1.06)
  return [x - reach, y - reach, x + reach, y + reach + depth]
}

/** The outlines of the forms around the origin. */
const outlines: Readonly<Record<Form, (ctx: SKRSContext2D, radius: number) => void>> = {
  circle: (ctx, radius) => ctx.arc(0, 0, radius, 0, 7),
  ring(ctx, radius) {
    ctx.arc(0, 0, radius, 0, 2 * Math.PI)
    ctx.moveTo(radius * 0.55, 0)
    ctx.arc(0, 0, radius * 0.55, 0, 2 * Math.PI)
  },
  square: (ctx, radius) => ctx.rect(-0.86 * radius, -0.86 * radius, 1.72 * radius, 1.72 * radius),
  triangle: (ctx, radius) => polygon(ctx, radius, 3, -Math.PI / 2),
  hexagon: (ctx, radius) => polygon(ctx, radius, 6, 0),
  star: (ctx, radius) => polygon(ctx, radius, 10, -Math.PI / 2, 0.45),
  cross(ctx, radius) {
    const arm = 0.34 * radius
    ctx.rect(-radius, -arm, 2 * radius, 2 * arm)
    ctx.rect(-arm, -radius, 2 * arm, 2 * radius)
  },
  heart(ctx, radius) {
    ctx.moveTo(0, radius * 0.95)
    ctx.bezierCurveTo(-radius * 1.9, -radius * 0.2, -radius * 0.75, -radius * 1.45, 0, -radius * 0.45)
    ctx.bezierCurveTo(radius * 0.75, -radius * 1.45, radius * 1.9, -radius * 0.2, 0, radius * 0.95)
  },
}

/** A polygon whose every other corner lies at `inner` of the radius. */
function polygon(ctx: SKRSContext2D, radius: number, corners: number, from: number, inner = 1): void {
  for (let i = 0; i < corners; i++) {
    const angle = from + (i * 2 * Math.PI) / corners
    const reach = radius * (i % 2 === 1 ? inner : 1)
    ctx.lineTo(reach * Math.cos(angle), reach * Math.sin(angle))
  }
  ctx.closePath()
}

function ask(
  things: readonly Thing[],
  palette: readonly Color[],
  kinds: readonly Form[],
  dice: Dice,
): Asked[] {
  const marks = (list: readonly Thing[]) => list.map(({ mark }) => mark)
  const asked: Asked[] = [
    derived('shapes.count', 'How many shapes are there?', String(things.length), marks(things)),
  ]
  const color = dice.pick(palette)
  const colored = things.filter((thing) => thing.color === color)
  if (colored.length > 0)
    asked.push(
      derived(
        'shapes.count-color',
        `How many ${color} shapes are there?`,
        String(colored.length),
        marks(colored),
      ),
    )
  const form = dice.pick(kinds)
  const formed = things.filter((thing) => thing.form === form)
  if (formed.length > 0)
    asked.push(
      derived('shapes.count-form', `How many ${many(form)} are there?`, String(formed.length), marks(formed)),
    )

  for (const thing of dice
    .shuffle(things.filter(({ form }) => isOne(things, (other) => other.form === form)))
    .slice(0, 2))
    asked.push(derived('shapes.color', `What colour is the ${thing.form}?`, thing.color, [thing.mark]))
  for (const thing of dice
    .shuffle(things.filter(({ color }) => isOne(things, (other) => other.color === color)))
    .slice(0, 2))
    asked.push(derived('shapes.form', `What shape is the ${thing.color} one?`, thing.form, [thing.mark]))

  const known = things.filter((thing) =>
    isOne(things, (other) => other.color === thing.color && other.form === thing.form),
  )
  if (known.length >= 2) {
    const [a, b] = dice.sample(known, 2) as [Thing, Thing]
    const isAcross = Math.abs(a.x - b.x) > Math.abs(a.y - b.y)
    const relation = isAcross ? dice.pick(['left of', 'right of']) : dice.pick(['above', 'below'])
    const holds = { 'left of': a.x < b.x, 'right of': a.x > b.x, above: a.y < b.y, below: a.y > b.y }[
      relation
    ]!
    asked.push(
      derived(
        'shapes.relation',
        `Is the ${a.mark.text} ${relation} the ${b.mark.text}?`,
        holds ? 'yes' : 'no',
        [a.mark, b.mark],
      ),
    )
  }
  const ends = [
    ['leftmost', (thing: Thing) => -thing.x],
    ['rightmost', (thing: Thing) => thing.x],
    ['topmost', (thing: Thing) => -thing.y],
    ['lowest', (thing: Thing) => thing.y],
    ['largest', (thing: Thing) => thing.radius],
  ] as const
  const [name, reach] = dice.pick(ends)
  const [first, second] = things.toSorted((a, b) => reach(b) - reach(a)) as [Thing, Thing]
  // Only where the difference can be seen.
  if (reach(first) - reach(second) > (name === 'largest' ? first.radius * 0.2 : 18)) {
    asked.push(derived('shapes.end-color', `What colour is the ${name} shape?`, first.color, [first.mark]))
    asked.push(derived('shapes.end-form', `What is the ${name} shape?`, first.form, [first.mark]))
  }
  return asked
}

function isOne(things: readonly Thing[], fits: (thing: Thing) => boolean): boolean {
  return things.filter(fits).length === 1
}

function many(form: Form): string {
  return form === 'cross' ? 'crosses' : `${form}s`
}
