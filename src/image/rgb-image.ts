import { InputError } from '../tensor/errors.ts'

/** A width and a height in pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** A picture in memory: 8-bit sRGB, interleaved, row by row, [height, width, 3] without alpha or padding. */
export interface RgbImage extends Size {
  readonly data: Uint8Array
}

/**
 * A picture over `data` without copying it.
 * @throws InputError `image-size` when a side is not a positive integer or the data is not 3·width·height
 * bytes.
 */
export function rgbImage(width: number, height: number, data: Uint8Array): RgbImage {
  checkSize({ width, height })
  const expected = width * height * 3
  if (data.length !== expected)
    throw new InputError(
      'image-size',
      `A ${width}×${height} RGB picture needs ${expected} bytes, but its data has ${data.length}. ` +
        'Pass three bytes a pixel without alpha, or decode the file with decodeImage().',
      { width, height, found: data.length, expected },
    )
  return { width, height, data }
}

/** A picture of one colour. @throws InputError `image-size` */
export function filledImage(width: number, height: number, colour: readonly number[]): RgbImage {
  checkSize({ width, height })
  const data = new Uint8Array(width * height * 3)
  for (let i = 0; i < data.length; i++) data[i] = colour[i % 3]!
  return { width, height, data }
}

/**
 * A copy of the rectangle of `width` × `height` pixels whose upper left corner is (x, y).
 * @throws InputError `image-crop` when the rectangle leaves the picture.
 */
export function cropRgb(image: RgbImage, x: number, y: number, width: number, height: number): RgbImage {
  if (x < 0 || y < 0 || x + width > image.width || y + height > image.height)
    throw new InputError(
      'image-crop',
      `The rectangle ${width}×${height} at (${x}, ${y}) leaves the ${image.width}×${image.height} picture. ` +
        'Keep it inside.',
      { x, y, width, height, image: { width: image.width, height: image.height } },
    )
  const data = new Uint8Array(width * height * 3)
  for (let row = 0; row < height; row++) {
    const start = ((y + row) * image.width + x) * 3
    data.set(image.data.subarray(start, start + width * 3), row * width * 3)
  }
  return { width, height, data }
}

/**
 * Copies `image` into `canvas` with its upper left corner at (x, y), which must leave it inside. Changes
 * `canvas`.
 */
export function pasteRgb(canvas: RgbImage, image: RgbImage, x: number, y: number): void {
  for (let row = 0; row < image.height; row++) {
    const start = row * image.width * 3
    canvas.data.set(image.data.subarray(start, start + image.width * 3), ((y + row) * canvas.width + x) * 3)
  }
}

/** @throws InputError `image-size` when a side is not a positive integer. */
export function checkSize({ width, height }: Size): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new InputError(
      'image-size',
      `A picture cannot be ${width}×${height}. Both sides must be whole numbers of at least 1 pixel.`,
      { width, height },
    )
}
