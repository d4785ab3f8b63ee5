import { z } from 'zod'
import type { Normalisation } from '../image/normalise.ts'
import { resizeGaussian } from '../image/resize-gaussian.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import type { HostTensor } from '../tensor/tensor.ts'

const always = z.literal(true, 'only true is supported').default(true)
const channels = z.tuple([z.number(), z.number(), z.number()])

/** `preprocessor_config.json` of OWLv2, under the official field names; `resample` has no effect there either. */
export const owlv2PixelConfig = z.object({
  size: z.object({ height: z.int().positive(), width: z.int().positive() }),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  image_mean: channels.default([0.48145466, 0.4578275, 0.40821073]),
  image_std: channels.default([0.26862954, 0.26130258, 0.27577711]),
  do_rescale: always,
  do_pad: always,
  do_resize: always,
  do_normalize: always,
})

export type Owlv2PixelConfig = z.output<typeof owlv2PixelConfig>

/**
 * What fills the square beside a picture. The library's releases until late 2025 have 0.5, with which MG-LLaVA's
 * published boxes were made; later ones 0, as in the original training.
 */
export const OWLV2_PADDING = 0.5

/**
 * What OWLv2's vision tower gets: the picture padded at the bottom and the right to a square, shrunk without
 * aliasing, normalised. → [1, 3, S, S]. Golden case `owlv2-preprocess`.
 */
export function owlv2Pixels(
  image: RgbImage,
  config: Owlv2PixelConfig,
  padding: number = OWLV2_PADDING,
): HostTensor<'f32'> {
  const normalisation: Normalisation = { mean: config.image_mean, std: config.image_std }
  const pixels = resizeGaussian(image, {
    side: config.size.height,
    padding,
    rescale: config.rescale_factor,
    normalisation,
  })
  return { ...pixels, shape: [1, ...pixels.shape] }
}
