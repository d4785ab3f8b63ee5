import { type Normalisation, normalisations, toPixelValues } from '../image/normalise.ts'
import { imageAxes, interpolate } from '../image/resize-float.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import { InputError } from '../tensor/errors.ts'
import { roundHalfEven } from '../tensor/rounding.ts'
import { type HostTensor, zeros } from '../tensor/tensor.ts'
import type { MgLlavaPixels } from './mgllava-pixels.ts'

/** How MG-LLaVA looks at a video's frames. */
export interface MgLlavaFrameOptions {
  readonly highSide: number
  readonly lowSide: number
  /** `video_pad_image_to_square`, which the published configurations leave off. */
  readonly padsToSquare: boolean
  readonly normalisation?: Normalisation | undefined
}

/**
 * The frames that are looked at: `count` indices spread from the first to the last, cut to whole ones; some repeat in a
 * video of fewer frames. @throws InputError `video-empty`
 */
export function sampledFrames(total: number, count = 8): number[] {
  if (total < 1)
    throw new InputError('video-empty', 'The video has no frame that could be decoded.', { frames: total })
  const step = count > 1 ? (total - 1) / (count - 1) : 0
  return Array.from({ length: count }, (_, i) =>
    i === count - 1 && i > 0 ? total - 1 : Math.trunc(i * step),
  )
}

/**
 * The normalised pixels of equally large frames for both encoders, [F, 3, side, side] each: unlike pictures, both are
 * resized as floats from the original frames (bilinear, no antialias) and cropped to their middle.
 * Source: MG-LLaVA's `get_video_transform`, pytorchvideo's `short_side_scale`; golden case `mgllava-tiny-video`.
 * @throws InputError `tiles-empty`, `tiles-size` for no frames or frames of different sizes.
 */
export function mgLlavaFrames(frames: readonly RgbImage[], options: MgLlavaFrameOptions): MgLlavaPixels {
  const pixels = toPixelValues(frames, options.normalisation ?? normalisations.clip)
  const framed = options.padsToSquare ? padMiddle(pixels) : pixels
  const at = (side: number): HostTensor<'f32'> => cropMiddle(withShortSide(framed, side), side)
  return { high: at(options.highSide), low: at(options.lowSide) }
}

function withShortSide(pixels: HostTensor<'f32'>, side: number): HostTensor<'f32'> {
  const [, , H, W] = imageAxes(pixels)
  const long = Math.floor((Math.max(H, W) / Math.min(H, W)) * side)
  return interpolate(pixels, W < H ? { width: side, height: long } : { width: long, height: side }, {
    mode: 'bilinear',
  })
}

/** Offsets are rounded half to even, where a picture's are rounded down. */
function cropMiddle(pixels: HostTensor<'f32'>, side: number): HostTensor<'f32'> {
  const [N, C, H, W] = imageAxes(pixels)
  const [top, left] = [roundHalfEven((H - side) / 2), roundHalfEven((W - side) / 2)]
  const cropped = zeros('f32', [N, C, side, side])
  for (let plane = 0; plane < N * C; plane++)
    for (let y = 0; y < side; y++) {
      const start = (plane * H + top + y) * W + left
      cropped.data.set(pixels.data.subarray(start, start + side), (plane * side + y) * side)
    }
  return cropped
}

/** The frames in the middle of squares of their mean colour, which is 0 after normalising. */
function padMiddle(pixels: HostTensor<'f32'>): HostTensor<'f32'> {
  const [N, C, H, W] = imageAxes(pixels)
  const side = Math.max(H, W)
  const [top, left] = [Math.floor((side - H) / 2), Math.floor((side - W) / 2)]
  const padded = zeros('f32', [N, C, side, side])
  for (let plane = 0; plane < N * C; plane++)
    for (let y = 0; y < H; y++) {
      const start = (plane * H + y) * W
      padded.data.set(pixels.data.subarray(start, start + W), (plane * side + top + y) * side + left)
    }
  return padded
}
