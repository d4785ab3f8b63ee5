import type { Normalisation } from './normalise.ts'
import { filledImage, pasteRgb, type RgbImage } from './rgb-image.ts'

/**
 * The picture centred on a square of its longer side, filled with `colour` (R, G, B bytes); an odd remainder
 * goes right or below. A square picture is returned as it is. Source: LLaVA and InternVL `expand2square`;
 * golden case `internvl-pixels` (`pad2square.*`).
 */
export function pad2square(image: RgbImage, colour: readonly number[]): RgbImage {
  const side = Math.max(image.width, image.height)
  if (image.width === image.height) return image
  const square = filledImage(side, side, colour)
  pasteRgb(square, image, Math.floor((side - image.width) / 2), Math.floor((side - image.height) / 2))
  return square
}

/** The colour that normalises to about zero: trunc(255 · mean). */
export function meanColour({ mean }: Normalisation): number[] {
  return mean.map((value) => Math.trunc(value * 255))
}
