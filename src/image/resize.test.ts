import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { resizeRgb } from './resize.ts'
import { axisTable, type ResizeFilter } from './resize-filters.ts'
import { filledImage, type RgbImage, rgbImage } from './rgb-image.ts'

const filters: ResizeFilter[] = ['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos']

const pictures = fc
  .record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 70 }) })
  .chain(({ width, height }) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((data) => rgbImage(width, height, data)),
  )
const side = fc.integer({ min: 1, max: 80 })

/** Pillow's two passes as plainly as they can be written. */
function plainResize(
  image: RgbImage,
  width: number,
  height: number,
  filter: Exclude<ResizeFilter, 'nearest'>,
) {
  const pass = (
    from: number,
    to: number,
    read: (i: number) => number,
    write: (i: number, v: number) => void,
  ) => {
    const table = axisTable(from, to, filter)
    for (let i = 0; i < to; i++) {
      let sum = 1 << 21
      for (let k = 0; k < table.counts[i]!; k++) {
        const weight = table.weights[i * table.taps + k]!
        sum += Math.trunc(weight * 2 ** 22 + (weight < 0 ? -0.5 : 0.5)) * read(table.firsts[i]! + k)
      }
      write(i, Math.min(255, Math.max(0, sum >> 22)))
    }
  }
  let current = image
  if (width !== current.width) {
    const next = filledImage(width, current.height, [0])
    const from = current
    for (let y = 0; y < from.height; y++)
      for (let c = 0; c < 3; c++)
        pass(
          from.width,
          width,
          (x) => from.data[(y * from.width + x) * 3 + c]!,
          (x, v) => {
            next.data[(y * width + x) * 3 + c] = v
          },
        )
    current = next
  }
  if (height !== current.height) {
    const next = filledImage(width, height, [0])
    const from = current
    for (let i = 0; i < width * 3; i++)
      pass(
        from.height,
        height,
        (y) => from.data[y * width * 3 + i]!,
        (y, v) => {
          next.data[y * width * 3 + i] = v
        },
      )
    current = next
  }
  return current
}

test('equals the plainly written two passes for every size and filter', () => {
  const smooth = filters.filter((name) => name !== 'nearest')
  fc.assert(
    fc.property(pictures, side, side, fc.constantFrom(...smooth), (image, width, height, filter) => {
      assert.deepEqual(
        resizeRgb(image, width, height, filter).data,
        plainResize(image, width, height, filter).data,
      )
    }),
    { numRuns: 150, seed: 4 },
  )
})

test('returns the picture itself when the size does not change', () => {
  const image = filledImage(3, 2, [1, 2, 3])
  for (const filter of filters) assert.equal(resizeRgb(image, 3, 2, filter), image)
})

test('keeps one colour one colour', () => {
  fc.assert(
    fc.property(side, side, side, side, fc.constantFrom(...filters), (w, h, width, height, filter) => {
      const resized = resizeRgb(filledImage(w, h, [7, 131, 255]), width, height, filter)
      assert.deepEqual(resized, filledImage(width, height, [7, 131, 255]))
    }),
    { numRuns: 100, seed: 5 },
  )
})

test('averages two pixels by a box and interpolates between them by a triangle', () => {
  const image = rgbImage(2, 1, Uint8Array.of(0, 0, 0, 100, 200, 50))
  assert.deepEqual([...resizeRgb(image, 1, 1, 'box').data], [50, 100, 25])
  assert.deepEqual(
    [...resizeRgb(image, 4, 1, 'bilinear').data],
    [0, 0, 0, 25, 50, 13, 75, 150, 38, 100, 200, 50],
  )
  assert.deepEqual(
    [...resizeRgb(image, 4, 1, 'nearest').data],
    [0, 0, 0, 0, 0, 0, 100, 200, 50, 100, 200, 50],
  )
})

test('resizes a single pixel and a line of 100,000', () => {
  assert.equal(resizeRgb(filledImage(1, 1, [9, 9, 9]), 448, 448).data[448], 9)
  assert.equal(resizeRgb(filledImage(1, 100_000, [9, 9, 9]), 28, 336).data.length, 28 * 336 * 3)
})

test('refuses a size that is not one', () => {
  const image = filledImage(2, 2, [0])
  for (const width of [0, -1, 1.5, Number.NaN])
    assert.throws(() => resizeRgb(image, width, 2), { code: 'image-size', message: /whole numbers/ })
})
