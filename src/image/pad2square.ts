import { placeRgb, squareCanvas } from './canvas.ts'
import type { Normalisation } from './normalise.ts'
import type { RgbImage } from './rgb-image.ts'

/**
 * The picture centred on a square of its longer side, filled with `colour` (R, G, B bytes); an odd remainder
 * goes right or below. A square picture is returned as it is. Source: LLaVA and InternVL `expand2square`;
 * golden case `internvl-pixels` (`pad2square.*`).
 */
export function pad2square(image: RgbImage, colour: readonly number[]): RgbImage {
  return placeRgb(image, squareCanvas(image, colour))
}

/** The colour that normalises to about zero: trunc(255 · mean). */
export function meanColour({ mean }: Normalisation): number[] {
  return mean.map((value) => Math.trunc(value * 255))
}
