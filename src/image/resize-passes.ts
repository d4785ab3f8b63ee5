import type { AxisTable } from './resize-filters.ts'
import type { RgbImage } from './rgb-image.ts'

/** Fractional bits of a weight: 32 less 8 for the pixel and 2 for the sign and the kernel's overshoot. */
const PRECISION = 22
const HALF = 1 << (PRECISION - 1)
const { imul } = Math

/**
 * Rows of the horizontal pass that are finished together: their source lines stay in the first-level cache.
 */
const BLOCK = 32

/**
 * What each output position of an axis reads: `taps` neighbours from `firsts[i]`, weighted in 22-bit fixed
 * point.
 */
export interface FixedTable {
  readonly taps: number
  readonly firsts: Int32Array
  readonly weights: Int32Array
}

/**
 * An axis table in Pillow's integers (rounded half away from zero), brought to one number of taps, a multiple
 * of four where the axis of `from` pixels is long enough: windows are widened by zero weights and moved
 * inside.
 * The passes below can then keep four weights in registers, without remainders.
 */
export function fixedTable(table: AxisTable, from: number): FixedTable {
  const widest = table.counts.reduce((most, count) => Math.max(most, count), 0)
  const rounded = Math.ceil(widest / 4) * 4
  const taps = rounded <= from ? rounded : widest
  const firsts = table.firsts.map((first) => Math.min(first, from - taps))
  const weights = new Int32Array(firsts.length * taps)
  for (let i = 0; i < firsts.length; i++) {
    const shift = i * taps + table.firsts[i]! - firsts[i]!
    for (let k = 0; k < table.counts[i]!; k++) {
      const weight = table.weights[i * table.taps + k]!
      weights[shift + k] = Math.trunc(weight * 2 ** PRECISION + (weight < 0 ? -0.5 : 0.5))
    }
  }
  return { taps, firsts, weights }
}

/**
 * The horizontal pass. Column by column within a block of rows, so that a column's weights are read once:
 * 20 ms against 23 pixel by pixel for 1600×1200 → 1792×1200 (Node 24, one core of an EPYC).
 */
export function resizeRows(image: RgbImage, width: number, table: FixedTable): RgbImage {
  const { taps, firsts, weights } = table
  const source = image.data
  const bytes = new Uint8Array(width * image.height * 3)
  const out = new Uint8ClampedArray(bytes.buffer) // clamps to 0..255 on store
  const from = image.width * 3
  const to = width * 3
  const sums = new Int32Array(BLOCK * 3)
  for (let top = 0; top < image.height; top += BLOCK) {
    const rows = Math.min(BLOCK, image.height - top)
    for (let x = 0; x < width; x++) {
      const p = top * from + firsts[x]! * 3
      const o = top * to + x * 3
      const w = x * taps
      if (taps === 4) {
        storeColumn(source, p, from, rows, weights, w, out, o, to)
        continue
      }
      sums.fill(HALF)
      let k = 0
      for (; k + 4 <= taps; k += 4) addColumns(source, p + k * 3, from, rows, weights, w + k, sums)
      for (; k < taps; k++) addColumn(source, p + k * 3, from, rows, weights[w + k]!, sums)
      for (let i = 0, q = o; i < rows * 3; i += 3, q += to) {
        out[q] = sums[i]! >> PRECISION
        out[q + 1] = sums[i + 1]! >> PRECISION
        out[q + 2] = sums[i + 2]! >> PRECISION
      }
    }
  }
  return { width, height: image.height, data: bytes }
}

/** One output column of four taps, the case of every enlargement by a cubic. */
function storeColumn(
  source: Uint8Array,
  start: number,
  from: number,
  rows: number,
  weights: Int32Array,
  w: number,
  out: Uint8ClampedArray,
  target: number,
  to: number,
): void {
  const w0 = weights[w]!
  const w1 = weights[w + 1]!
  const w2 = weights[w + 2]!
  const w3 = weights[w + 3]!
  const s = source
  for (let y = 0, p = start, o = target; y < rows; y++, p += from, o += to) {
    const r = imul(w0, s[p]!) + imul(w1, s[p + 3]!) + imul(w2, s[p + 6]!) + imul(w3, s[p + 9]!)
    const g = imul(w0, s[p + 1]!) + imul(w1, s[p + 4]!) + imul(w2, s[p + 7]!) + imul(w3, s[p + 10]!)
    const b = imul(w0, s[p + 2]!) + imul(w1, s[p + 5]!) + imul(w2, s[p + 8]!) + imul(w3, s[p + 11]!)
    out[o] = (HALF + r) >> PRECISION
    out[o + 1] = (HALF + g) >> PRECISION
    out[o + 2] = (HALF + b) >> PRECISION
  }
}

/** Adds four taps to the sums of one output column, [rows, 3]. */
function addColumns(
  source: Uint8Array,
  start: number,
  from: number,
  rows: number,
  weights: Int32Array,
  w: number,
  sums: Int32Array,
): void {
  const w0 = weights[w]!
  const w1 = weights[w + 1]!
  const w2 = weights[w + 2]!
  const w3 = weights[w + 3]!
  const s = source
  for (let i = 0, p = start; i < rows * 3; i += 3, p += from) {
    const r = imul(w0, s[p]!) + imul(w1, s[p + 3]!) + imul(w2, s[p + 6]!) + imul(w3, s[p + 9]!)
    const g = imul(w0, s[p + 1]!) + imul(w1, s[p + 4]!) + imul(w2, s[p + 7]!) + imul(w3, s[p + 10]!)
    const b = imul(w0, s[p + 2]!) + imul(w1, s[p + 5]!) + imul(w2, s[p + 8]!) + imul(w3, s[p + 11]!)
    sums[i] = sums[i]! + (r | 0)
    sums[i + 1] = sums[i + 1]! + (g | 0)
    sums[i + 2] = sums[i + 2]! + (b | 0)
  }
}

/** Adds one tap to the sums of one output column; only axes shorter than four pixels come here. */
function addColumn(
  source: Uint8Array,
  start: number,
  from: number,
  rows: number,
  weight: number,
  sums: Int32Array,
) {
  for (let i = 0, p = start; i < rows * 3; i += 3, p += from)
    for (let c = 0; c < 3; c++) sums[i + c] = sums[i + c]! + imul(weight, source[p + c]!)
}

/** The vertical pass: weighted sums of whole rows, which read memory in order. */
export function resizeColumns(image: RgbImage, height: number, table: FixedTable): RgbImage {
  const { taps, firsts, weights } = table
  const source = image.data
  const row = image.width * 3
  const bytes = new Uint8Array(row * height)
  const out = new Uint8ClampedArray(bytes.buffer)
  const sums = new Int32Array(row)
  for (let y = 0; y < height; y++) {
    const p = firsts[y]! * row
    const w = y * taps
    if (taps === 4) {
      storeRow(source, p, row, weights, w, out, y * row)
      continue
    }
    sums.fill(HALF)
    let k = 0
    for (; k + 4 <= taps; k += 4) addRows(source, p + k * row, row, weights, w + k, sums)
    for (; k < taps; k++) addRow(source, p + k * row, weights[w + k]!, sums)
    for (let i = 0, o = y * row; i < row; i++, o++) out[o] = sums[i]! >> PRECISION
  }
  return { width: image.width, height, data: bytes }
}

function storeRow(
  source: Uint8Array,
  p0: number,
  row: number,
  weights: Int32Array,
  w: number,
  out: Uint8ClampedArray,
  o: number,
): void {
  const w0 = weights[w]!
  const w1 = weights[w + 1]!
  const w2 = weights[w + 2]!
  const w3 = weights[w + 3]!
  const p1 = p0 + row
  const p2 = p1 + row
  const p3 = p2 + row
  for (let i = 0; i < row; i++) {
    const upper = imul(w0, source[p0 + i]!) + imul(w1, source[p1 + i]!)
    const lower = imul(w2, source[p2 + i]!) + imul(w3, source[p3 + i]!)
    out[o + i] = (HALF + upper + lower) >> PRECISION
  }
}

function addRows(
  source: Uint8Array,
  p0: number,
  row: number,
  weights: Int32Array,
  w: number,
  sums: Int32Array,
): void {
  const w0 = weights[w]!
  const w1 = weights[w + 1]!
  const w2 = weights[w + 2]!
  const w3 = weights[w + 3]!
  const p1 = p0 + row
  const p2 = p1 + row
  const p3 = p2 + row
  for (let i = 0; i < row; i++) {
    const upper = imul(w0, source[p0 + i]!) + imul(w1, source[p1 + i]!)
    const lower = imul(w2, source[p2 + i]!) + imul(w3, source[p3 + i]!)
    sums[i] = sums[i]! + ((upper + lower) | 0)
  }
}

function addRow(source: Uint8Array, start: number, weight: number, sums: Int32Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! + imul(weight, source[start + i]!)
}
