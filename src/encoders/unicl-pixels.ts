import { normalisations, toPixelValues } from '../image/normalise.ts'
import { resizeRgb } from '../image/resize.ts'
import { cropRgb, type RgbImage } from '../image/rgb-image.ts'
import { roundHalfEven } from '../tensor/rounding.ts'
import type { HostTensor } from '../tensor/tensor.ts'

export interface UniclPixelOptions {
  /** The middle of a picture whose shorter side is 256/224 of it (default), or the whole picture squashed to it. */
  readonly crops?: boolean
}

/**
 * A picture as UniCL's towers were evaluated: bicubic to the size, the middle square, ImageNet's normalisation →
 * [1, 3, size, size]. Source: UniCL `build_transform`, torchvision Resize and CenterCrop; golden case
 * `florence-preprocess`.
 */
export function uniclPixels(
  image: RgbImage,
  size: number,
  { crops = true }: UniclPixelOptions = {},
): HostTensor<'f32'> {
  const picture = crops ? middle(image, Math.trunc((256 / 224) * size), size) : resizeRgb(image, size, size)
  return toPixelValues([picture], normalisations.imagenet)
}

/** The middle square of `side` pixels of a picture whose shorter side is `edge`. */
function middle(image: RgbImage, edge: number, side: number): RgbImage {
  const { width, height } = image
  const long = Math.trunc((edge * Math.max(width, height)) / Math.min(width, height))
  const resized = width <= height ? resizeRgb(image, edge, long) : resizeRgb(image, long, edge)
  const [left, top] = [roundHalfEven((resized.width - side) / 2), roundHalfEven((resized.height - side) / 2)]
  return cropRgb(resized, left, top, side, side)
}
