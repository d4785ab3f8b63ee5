import type { Canvas, ImageData } from '@napi-rs/canvas'
import { apply, type Homography, inverse, type Point, type Quad, squareToQuad } from './homography.ts'

const STEP = 8
type Triple = [number, number, number]

/** How paper is bent: by how much of its height a point moves down, over its width and height from 0 to 1. */
export interface Bend {
  /** Displacement at (u, v). */
  readonly shift: (u: number, v: number) => number
  /** Brightness of the bent paper at (u, v); 1 where it is flat. */
  readonly shade: (u: number, v: number) => number
}

export const flat: Bend = { shift: () => 0, shade: () => 1 }

/** Draws a sheet into a picture whose pixels are given, and says where the sheet's points went. */
export class Warp {
  readonly #toQuad: Homography
  readonly #toSquare: Homography
  readonly #bend: Bend
  readonly #width: number
  readonly #height: number

  constructor(sheet: { readonly width: number; readonly height: number }, quad: Quad, bend: Bend) {
    this.#width = sheet.width
    this.#height = sheet.height
    this.#bend = bend
    this.#toQuad = squareToQuad(quad)
    this.#toSquare = inverse(this.#toQuad)
  }

  /** Where a point of the sheet, in its pixels, is in the picture. */
  map(x: number, y: number): Point {
    const u = x / this.#width
    // The bend is small, so that a few rounds of putting it back find the point.
    let v = y / this.#height
    for (let round = 0; round < 4; round++) v = y / this.#height - this.#bend.shift(u, v)
    return apply(this.#toQuad, u, v)
  }

  /** Lays the sheet over the picture, bilinearly sampled. Beyond its edges the sheet ends, or with `fills` repeats them. */
  draw(sheet: Canvas, picture: ImageData, fills: boolean): void {
    const source = sheet.getContext('2d').getImageData(0, 0, this.#width, this.#height).data
    const { data, width, height } = picture
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x += STEP)
        this.#drawRun(source, data, fills, x, Math.min(x + STEP, width), y, width)
  }

  /** A few pixels of a line, along which light and shift of the bend change evenly. */
  #drawRun(
    source: Uint8ClampedArray,
    target: Uint8ClampedArray,
    fills: boolean,
    from: number,
    to: number,
    y: number,
    width: number,
  ): void {
    const W = this.#width
    const H = this.#height
    const [a, b, c, d, e, f, g, h, i] = this.#toSquare as [...Triple, ...Triple, ...Triple]
    const w0 = g * from + h * y + i
    const w1 = g * to + h * y + i
    const u0 = (a * from + b * y + c) / w0
    const v0 = (d * from + e * y + f) / w0
    const u1 = (a * to + b * y + c) / w1
    const v1 = (d * to + e * y + f) / w1
    if (!fills && (isBeyond(u0, u1) || isBeyond(v0, v1))) return
    let moved = this.#bend.shift(u0, v0)
    const movedFar = this.#bend.shift(u1, v1)
    let light = this.#bend.shade(u0, v0 + moved)
    const lightStep = (this.#bend.shade(u1, v1 + movedFar) - light) / (to - from)
    const movedStep = (movedFar - moved) / (to - from)
    for (let x = from, at = 4 * (y * width + from); x < to; x++, at += 4) {
      const w = g * x + h * y + i
      let sx = ((a * x + b * y + c) / w) * W - 0.5
      let sy = ((d * x + e * y + f) / w + moved) * H - 0.5
      const cover = fills ? 1 : edge(sx, W) * edge(sy, H)
      sx = Math.min(Math.max(sx, 0), W - 1.001)
      sy = Math.min(Math.max(sy, 0), H - 1.001)
      const x0 = Math.floor(sx)
      const y0 = Math.floor(sy)
      const fx = sx - x0
      const fy = sy - y0
      const p = (y0 * W + x0) * 4
      const q = p + 4 * W
      const keep = (cover * source[p + 3]!) / 255
      const rest = 1 - keep
      const gain = keep * light
      const topLeft = gain * (1 - fx) * (1 - fy)
      const topRight = gain * fx * (1 - fy)
      const bottomLeft = gain * (1 - fx) * fy
      const bottomRight = gain * fx * fy
      // Red, green and blue one by one: the engine keeps a loop over them from being compiled well.
      target[at] =
        rest * target[at]! +
        (topLeft * source[p]! + topRight * source[p + 4]!) +
        (bottomLeft * source[q]! + bottomRight * source[q + 4]!)
      target[at + 1] =
        rest * target[at + 1]! +
        (topLeft * source[p + 1]! + topRight * source[p + 5]!) +
        (bottomLeft * source[q + 1]! + bottomRight * source[q + 5]!)
      target[at + 2] =
        rest * target[at + 2]! +
        (topLeft * source[p + 2]! + topRight * source[p + 6]!) +
        (bottomLeft * source[q + 2]! + bottomRight * source[q + 6]!)
      moved += movedStep
      light += lightStep
    }
  }
}

/** Whether both ends are clearly off the same side of the sheet. */
function isBeyond(from: number, to: number): boolean {
  return Math.max(from, to) < -0.05 || Math.min(from, to) > 1.05
}

/** How much of the pixel at `position` lies on a sheet of `size` pixels. */
function edge(position: number, size: number): number {
  return Math.min(Math.max(Math.min(position + 1, size - position), 0), 1)
}
