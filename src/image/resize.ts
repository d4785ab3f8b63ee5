import { ownTurn } from '../tensor/turns.ts'
import { axisTable, type ResizeFilter } from './resize-filters.ts'
import { type FixedTable, fixedTable, resizeColumns, resizeRows } from './resize-passes.ts'
import { checkSize, type RgbImage } from './rgb-image.ts'

export type { ResizeFilter } from './resize-filters.ts'

/**
 * The picture at another size, equal to Pillow's `Image.resize(size, filter)` to the last bit: a horizontal
 * pass, then a vertical one, each antialiased, in 22-bit fixed point and rounded to 8 bits; a pass whose side
 * does not change is skipped, and an unchanged size returns the picture itself. The aspect ratio is the
 * caller's business.
 * Source: Pillow, Resample.c and Geometry.c (nearest); golden case `internvl-pixels`.
 * @throws InputError `image-size` when a side is not a positive integer.
 */
export function resizeRgb(
  image: RgbImage,
  width: number,
  height: number,
  filter: ResizeFilter = 'bicubic',
): RgbImage {
  checkSize({ width, height })
  if (width === image.width && height === image.height) return image
  if (filter === 'nearest') return resizeNearest(image, width, height)
  const rows =
    width === image.width
      ? image
      : resizeRows(image, width, fixedTable(axisTable(image.width, width, filter), image.width))
  return height === rows.height
    ? rows
    : resizeColumns(rows, height, fixedTable(axisTable(rows.height, height, filter), rows.height))
}

/** Pixels of a pass that are made before the event loop gets a turn: up to 10 ms cold. */
const pixelsPerTurn = 2 ** 17

/**
 * As `resizeRgb`, in bands of rows, between which timers and signals run.
 * @throws InputError `image-size` when a side is not a positive integer.
 */
export async function resizeRgbInTurns(image: RgbImage, width: number, height: number): Promise<RgbImage> {
  checkSize({ width, height })
  let resized = image
  if (width !== image.width) {
    const table = fixedTable(axisTable(image.width, width, 'bicubic'), image.width)
    const rowBytes = image.width * 3
    resized = await inBands(width, image.height, (from, to) =>
      resizeRows(
        { width: image.width, height: to - from, data: image.data.subarray(from * rowBytes, to * rowBytes) },
        width,
        table,
      ),
    )
  }
  if (height === resized.height) return resized
  const table = fixedTable(axisTable(resized.height, height, 'bicubic'), resized.height)
  const rows = resized
  return inBands(width, height, (from, to) => resizeColumns(rows, to - from, tableRows(table, from, to)))
}

/** A picture made band by band. */
async function inBands(
  width: number,
  height: number,
  band: (from: number, to: number) => RgbImage,
): Promise<RgbImage> {
  const data = new Uint8Array(width * height * 3)
  const rows = Math.max(1, Math.ceil(pixelsPerTurn / width))
  for (let from = 0; from < height; from += rows) {
    data.set(band(from, Math.min(height, from + rows)).data, from * width * 3)
    await ownTurn()
  }
  return { width, height, data }
}

/** What the output positions `from` to before `to` read. */
function tableRows({ taps, firsts, weights }: FixedTable, from: number, to: number): FixedTable {
  return { taps, firsts: firsts.subarray(from, to), weights: weights.subarray(from * taps, to * taps) }
}

/**
 * Pillow's nearest neighbour: the source coordinate is accumulated step by step, rounding errors included.
 */
function resizeNearest(image: RgbImage, width: number, height: number): RgbImage {
  const columns = nearestIndices(image.width, width)
  const rows = nearestIndices(image.height, height)
  const data = new Uint8Array(width * height * 3)
  let o = 0
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++, o += 3) {
      const p = (rows[y]! * image.width + columns[x]!) * 3
      data[o] = image.data[p]!
      data[o + 1] = image.data[p + 1]!
      data[o + 2] = image.data[p + 2]!
    }
  return { width, height, data }
}

function nearestIndices(from: number, to: number): Int32Array {
  const scale = from / to
  let position = scale * 0.5
  return Int32Array.from({ length: to }, () => {
    const index = Math.min(from - 1, Math.trunc(position))
    position += scale
    return index
  })
}
