/*
 * Rounding of weight matrices to few bits, row by row: a checkpoint's [out, in] has one row per output, which is one
 * column of the product's right operand. Both forms are symmetric: zero stays zero exactly.
 */

/** Weights of an int4 block: one scale for this many neighbours in a row. A fact of the recipe, see `quantiseRowBlocks`. */
export const blockSize = 128

/**
 * One row to s8 with one scale: w ≈ scale · q, q = round(w / scale), scale = max|w| / 127, so |w − scale·q| ≤ scale / 2.
 * A row of zeros has scale 0.
 * @param output receives the row's q from `start` on
 * @returns the scale; NaN or infinite when the row holds such a value
 */
export function quantiseRow(row: Float32Array, output: Int8Array, start: number): number {
  const peak = peakOf(row, 0, row.length)
  const scale = Math.fround(Math.abs(peak) / 127)
  const inverse = scale === 0 ? 0 : 1 / scale
  // Adding 128.5 before cutting the fraction rounds, and is several times faster than Math.round.
  for (let i = 0; i < row.length; i++) output[start + i] = ((row[i]! * inverse + 128.5) | 0) - 128
  return scale
}

/**
 * One row to 4 bits in blocks of `blockSize`: w ≈ scale · (q − 8), q in 0..15. The block's largest value in magnitude
 * takes the level −8, which uses all 16 levels (llama.cpp's Q4_0), so |w − scale·(q − 8)| ≤ |scale| but for its
 * opposite number, which has the level +7. The last block of a row is filled with zeros.
 * @param output receives two weights a byte, the earlier one in the lower half, from `start` on
 * @param scales receives one scale a block, from `firstScale` on
 */
export function quantiseRowBlocks(
  row: Float32Array,
  output: Uint8Array,
  start: number,
  scales: Float32Array,
  firstScale: number,
): void {
  const blocks = Math.ceil(row.length / blockSize)
  for (let block = 0; block < blocks; block++) {
    const from = block * blockSize
    const to = Math.min(row.length, from + blockSize)
    const scale = Math.fround(peakOf(row, from, to) / -8)
    const inverse = scale === 0 ? 0 : 1 / scale
    scales[firstScale + block] = scale
    let at = start + from / 2
    for (let i = from; i < to; i += 2)
      output[at++] = level(row[i]! * inverse) | (level((row[i + 1] ?? 0) * inverse) << 4)
    output.fill(0x88, at, start + (from + blockSize) / 2)
  }
}

/** −8..8 → 0..15. */
function level(scaled: number): number {
  return Math.min(15, (scaled + 8.5) | 0)
}

/** The value of largest magnitude, with its sign; NaN if there is one. */
function peakOf(values: Float32Array, from: number, to: number): number {
  let high = 0
  let low = 0
  let sum = 0
  for (let i = from; i < to; i++) {
    const value = values[i]!
    if (value > high) high = value
    if (value < low) low = value
    sum += value - value
  }
  if (sum !== 0) return Number.NaN
  return high > -low ? high : low
}
