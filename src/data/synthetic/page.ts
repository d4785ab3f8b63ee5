import { type Canvas, createCanvas, type SKRSContext2D } from '@napi-rs/canvas'
import type { Family } from './faces.ts'

/** [left, top, right, bottom] in pixels. */
export type Box = readonly [number, number, number, number]

/** Something on a page that an answer may rest on, and where its ink is. */
export interface Mark {
  /** As it is printed. */
  readonly text: string
  readonly box: Box
}

/** A printed letter, spaces aside, or a shape that stands on the page like one. */
export interface Glyph {
  /** Of a shape, its name. */
  readonly letter: string
  /** The middle of its width, at the middle of a capital's height, in pixels. */
  readonly x: number
  readonly y: number
  /** Of a capital. */
  readonly height: number
  /** The first letter of its line or behind a space. */
  readonly startsWord?: boolean
}

export interface TextStyle {
  readonly family: Family
  /** Height of the letters' em in pixels. */
  readonly size: number
  readonly color: string
  readonly face?: 'regular' | 'bold' | 'italic'
  readonly align?: 'left' | 'center' | 'right'
  /** Extra pixels between letters. */
  readonly spacing?: number
}

/** A line as it was written, from which its letters' places follow. */
interface Line {
  readonly printed: string
  readonly x: number
  readonly y: number
  readonly style: TextStyle
  readonly transform: { a: number; b: number; c: number; d: number; e: number; f: number }
}

/** A sheet that is written and drawn on, and remembers where each text went. */
export class Page {
  readonly canvas: Canvas
  readonly ctx: SKRSContext2D
  readonly marks: Mark[] = []
  readonly #lines: Line[] = []
  readonly #shapes: Glyph[] = []
  /** Whose letters are on the page. */
  readonly families = new Set<Family>()

  constructor(width: number, height: number, background?: string) {
    this.canvas = createCanvas(Math.round(width), Math.round(height))
    this.ctx = this.canvas.getContext('2d')
    // Over the whole canvas: a side rounded up would leave a line that light shines through.
    if (background !== undefined) this.fill(background, 0, 0, this.width, this.height)
  }

  get width(): number {
    return this.canvas.width
  }

  get height(): number {
    return this.canvas.height
  }

  /** Writes one line with its baseline at `y`; `x` is its left, middle or right end as the style aligns it. */
  write(text: string, x: number, y: number, style: TextStyle): Mark {
    const printed = style.family.isCapsOnly ? text.toUpperCase() : text
    const { ctx } = this
    this.#use(style)
    ctx.fillStyle = style.color
    ctx.textAlign = style.align ?? 'left'
    ctx.fillText(printed, x, y)
    const ink = ctx.measureText(printed)
    // A little air, as a person would draw the box.
    const air = 1 + style.size * 0.06
    const mark = {
      text: printed,
      box: this.boxOf(
        x - ink.actualBoundingBoxLeft - air,
        y - ink.actualBoundingBoxAscent - air,
        x + ink.actualBoundingBoxRight + air,
        y + ink.actualBoundingBoxDescent + air,
      ),
    }
    this.marks.push(mark)
    this.#lines.push({ printed, x, y, style, transform: ctx.getTransform() })
    this.families.add(style.family)
    return mark
  }

  /** Remembers a shape that is drawn with its middle at (x, y). */
  shape(name: string, x: number, y: number, height: number): void {
    this.#shapes.push({ letter: name, x, y, height })
  }

  /** Where each letter went, line by line in the order in which they were written, then each shape as a line. */
  glyphs(): Glyph[][] {
    const { ctx } = this
    const written = this.#lines.map(({ printed, x, y, style, transform: m }) => {
      this.#use(style)
      const widthOf = (text: string): number => ctx.measureText(text).width
      const share = { left: 0, center: 0.5, right: 1 }[style.align ?? 'left']
      const left = x - share * widthOf(printed)
      const height = 0.7 * style.size
      const middle = y - height / 2
      let end = ''
      let from = 0
      let startsWord = true
      return [...printed].flatMap((letter): Glyph[] => {
        end += letter
        const to = widthOf(end)
        const at = left + (from + to) / 2
        from = to
        const isFirst = startsWord
        startsWord = letter.trim() === ''
        if (startsWord) return []
        const [x, y] = [m.a * at + m.c * middle + m.e, m.b * at + m.d * middle + m.f]
        return [{ letter, x, y, height, startsWord: isFirst }]
      })
    })
    return [...written, ...this.#shapes.map((shape) => [shape])]
  }

  /** How wide a text is, in pixels. */
  widthOf(text: string, style: TextStyle): number {
    this.#use(style)
    return this.ctx.measureText(style.family.isCapsOnly ? text.toUpperCase() : text).width
  }

  /** The style, smaller where the text would be wider than `width`. */
  fitted(text: string, width: number, style: TextStyle): TextStyle {
    const found = this.widthOf(text, style)
    return found <= width ? style : { ...style, size: (style.size * width) / found }
  }

  /** The text in lines that are no wider than `width`. */
  wrapped(text: string, width: number, style: TextStyle): string[] {
    const lines: string[] = []
    let line = ''
    for (const word of text.split(' ')) {
      const longer = line === '' ? word : `${line} ${word}`
      if (line !== '' && this.widthOf(longer, style) > width) {
        lines.push(line)
        line = word
      } else line = longer
    }
    lines.push(line)
    return lines
  }

  fill(color: string, x: number, y: number, width: number, height: number): void {
    this.ctx.fillStyle = color
    this.ctx.fillRect(x, y, width, height)
  }

  outline(color: string, x: number, y: number, width: number, height: number, thickness = 1): void {
    this.ctx.strokeStyle = color
    this.ctx.lineWidth = thickness
    this.ctx.strokeRect(x, y, width, height)
  }

  rule(
    color: string,
    x0: number,
    y0: number,
    x1: number,
    y1: number,
    thickness = 1,
    dash: number[] = [],
  ): void {
    const { ctx } = this
    ctx.strokeStyle = color
    ctx.lineWidth = thickness
    ctx.setLineDash(dash)
    ctx.beginPath()
    ctx.moveTo(x0, y0)
    ctx.lineTo(x1, y1)
    ctx.stroke()
    ctx.setLineDash([])
  }

  /** The part of the sheet above `height`, as a page of its own with the same marks. */
  cutAt(height: number): Page {
    const cut = new Page(this.width, height)
    cut.ctx.drawImage(this.canvas, 0, 0)
    cut.marks.push(...this.marks)
    cut.#lines.push(...this.#lines)
    cut.#shapes.push(...this.#shapes)
    for (const family of this.families) cut.families.add(family)
    return cut
  }

  /** A box in the present drawing coordinates, as it lies on the sheet. */
  boxOf(left: number, top: number, right: number, bottom: number): Box {
    const m = this.ctx.getTransform()
    const corners = [left, right].flatMap((x) =>
      [top, bottom].map((y) => [m.a * x + m.c * y + m.e, m.b * x + m.d * y + m.f] as const),
    )
    return boundsOf(corners)
  }

  #use({ family, size, face = 'regular', spacing = 0 }: TextStyle): void {
    this.ctx.font = `${size}px "${family[face]}"`
    this.ctx.letterSpacing = `${spacing}px`
  }
}

/** The smallest box around points. */
export function boundsOf(points: readonly (readonly [number, number])[]): Box {
  const xs = points.map(([x]) => x)
  const ys = points.map(([, y]) => y)
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
}
