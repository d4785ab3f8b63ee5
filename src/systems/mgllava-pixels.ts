import { type Normalisation, normalisations } from '../image/normalise.ts'
import { interpolate } from '../image/resize-float.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import { tilePixelValues } from '../tiling/pixel-values.ts'
import type { TilePlan } from '../tiling/plan.ts'
import { planTiles } from '../tiling/tiling.ts'

/** How MG-LLaVA looks at a picture; published values are the defaults. */
export interface MgLlavaPixelOptions {
  /** Side of what ConvNeXt sees, in pixels (`image_size_aux`, 768). */
  readonly highSide: number
  /** Side of what CLIP sees, in pixels (336). */
  readonly lowSide: number
  /** Padded to a square with CLIP's mean colour, as all published image models do, or cropped to its middle. */
  readonly padsToSquare: boolean
  /**
   * As the published chat code did by mistake: the square is made `lowSide` large and put in the middle of a black one
   * of `highSide`. Only to reproduce its answers.
   */
  readonly isChatQuirk?: boolean | undefined
  /** CLIP's by default, for both encoders. */
  readonly normalisation?: Normalisation | undefined
}

/** One picture for both encoders. */
export interface MgLlavaPixels {
  /** [1, 3, highSide, highSide]. */
  readonly high: HostTensor<'f32'>
  /** [1, 3, lowSide, lowSide]. */
  readonly low: HostTensor<'f32'>
}

/** The part of the picture that both encoders look at. */
export function mgLlavaPlan(
  picture: { width: number; height: number },
  options: MgLlavaPixelOptions,
): TilePlan {
  return planTiles(picture, {
    strategy: 'square',
    tileSize: options.highSide,
    fit: options.padsToSquare ? 'pad' : 'crop',
    ...(options.isChatQuirk && { shortestEdge: options.lowSide }),
  })
}

/**
 * The normalised pixels of both encoders. The small picture is made from the large one's floats, bilinear and without
 * antialias, not by CLIP's own bicubic. Source: MG-LLaVA's datasets; golden case `mgllava-preprocess`.
 */
export function mgLlavaPixels(image: RgbImage, options: MgLlavaPixelOptions): MgLlavaPixels {
  const high = tilePixelValues(
    image,
    mgLlavaPlan(image, options),
    options.normalisation ?? normalisations.clip,
  )
  const side = { width: options.lowSide, height: options.lowSide }
  return { high, low: interpolate(high, side, { mode: 'bilinear' }) }
}
