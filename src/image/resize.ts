import { axisTable, type ResizeFilter } from './resize-filters.ts'
import { fixedTable, resizeColumns, resizeRows } from './resize-passes.ts'
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
