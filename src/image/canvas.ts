import { filledImage, type RgbImage, type Size } from './rgb-image.ts'

/** A canvas of one colour, and where the upper left corner of a picture lies on it. */
export interface Canvas extends Size {
  /** Negative where the picture is cut off. */
  readonly x: number
  readonly y: number
  /** R, G, B bytes. */
  readonly colour: readonly number[]
}

/** The picture on the canvas; what lies outside of it is cut off. A canvas that it fills exactly gives it back. */
export function placeRgb(image: RgbImage, canvas: Canvas): RgbImage {
  const { width, height, x, y } = canvas
  if (x === 0 && y === 0 && width === image.width && height === image.height) return image
  const out = filledImage(width, height, canvas.colour)
  const left = Math.max(0, -x)
  const columns = Math.min(image.width, width - x) - left
  if (columns <= 0) return out
  for (let row = Math.max(0, -y); row < Math.min(image.height, height - y); row++) {
    const start = (row * image.width + left) * 3
    out.data.set(image.data.subarray(start, start + columns * 3), ((row + y) * width + x + left) * 3)
  }
  return out
}

/**
 * The square of a picture's longer side with the picture in its middle; an odd remainder goes right or below.
 * Source: LLaVA and InternVL `expand2square`.
 */
export function squareCanvas({ width, height }: Size, colour: readonly number[]): Canvas {
  const side = Math.max(width, height)
  return centred({ width, height }, { width: side, height: side }, colour)
}

/** The picture in the middle of a canvas that is at least as large; an odd remainder goes right or below. */
export function centred({ width, height }: Size, canvas: Size, colour: readonly number[]): Canvas {
  const x = Math.floor((canvas.width - width) / 2)
  const y = Math.floor((canvas.height - height) / 2)
  return { width: canvas.width, height: canvas.height, x, y, colour }
}

/**
 * The middle square of a picture, black where the picture is smaller. An odd remainder is cut off at the right or
 * below, and filled at the left or above. Source: transformers `center_crop`.
 */
export function centreCrop({ width, height }: Size, side: number): Canvas {
  const x = Math.ceil((side - width) / 2)
  const y = Math.ceil((side - height) / 2)
  return { width: side, height: side, x, y, colour: [0, 0, 0] }
}
