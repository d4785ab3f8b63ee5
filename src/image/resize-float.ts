import { InputError } from '../tensor/errors.ts'
import { type HostTensor, zeros } from '../tensor/tensor.ts'
import { type GatherTable, gatherTable, type InterpolateOptions } from './interpolate-axis.ts'
import { checkSize, type Size } from './rgb-image.ts'

export type { InterpolateOptions } from './interpolate-axis.ts'

/**
 * A float tensor at another size, as torch's `interpolate` computes it: [N, C, H, W] → [N, C, height, width].
 * Bicubic has a = −0.75 and no antialiasing unless asked for; values may leave the input's range.
 * Source: torch.nn.functional.interpolate; golden case `minimonkey-strategies` (`scale2_pixels`,
 * `window_global`).
 * @throws InputError `pixels-shape` unless the tensor has four axes; `interpolate-options` for a pair of
 * options that torch refuses; `image-size`.
 */
export function interpolate(
  x: HostTensor<'f32'>,
  size: Size,
  options: InterpolateOptions,
): HostTensor<'f32'> {
  checkSize(size)
  if (options.antialias && options.alignCorners)
    throw new InputError(
      'interpolate-options',
      'Antialiasing with aligned corners is not defined. Drop one of antialias and alignCorners.',
      { ...options },
    )
  const [N, C, H, W] = imageAxes(x)
  const horizontal = gatherTable(W, size.width, options, options.scale?.x)
  const vertical = gatherTable(H, size.height, options, options.scale?.y)
  const y = zeros('f32', [N, C, size.height, size.width])
  const rows = new Float32Array(H * size.width)
  for (let plane = 0; plane < N * C; plane++) {
    gatherRows(x.data.subarray(plane * H * W, (plane + 1) * H * W), W, horizontal, rows, size.width)
    const target = y.data.subarray(plane * size.width * size.height, (plane + 1) * size.width * size.height)
    gatherColumns(rows, vertical, target, size.width)
  }
  return y
}

/** The four axes of a picture tensor. @throws InputError `pixels-shape` */
export function imageAxes(x: HostTensor): [N: number, C: number, H: number, W: number] {
  const [N, C, H, W] = x.shape
  if (N === undefined || C === undefined || H === undefined || W === undefined || x.shape.length !== 4)
    throw new InputError(
      'pixels-shape',
      `Expected pixels of shape [N, C, H, W], but got [${x.shape.join(', ')}]. ` +
        'Make them with toPixelValues(), or add the missing axes.',
      { shape: x.shape },
    )
  return [N, C, H, W]
}

function gatherRows(
  source: Float32Array,
  W: number,
  table: GatherTable,
  out: Float32Array,
  width: number,
): void {
  const { taps, indices, weights } = table
  for (let row = 0, o = 0; o < out.length; row += W)
    for (let x = 0; x < width; x++, o++) {
      let sum = 0
      for (let k = x * taps; k < (x + 1) * taps; k++) sum += weights[k]! * source[row + indices[k]!]!
      out[o] = sum
    }
}

function gatherColumns(source: Float32Array, table: GatherTable, out: Float32Array, width: number): void {
  const { taps, indices, weights } = table
  for (let y = 0, o = 0; o < out.length; y++)
    for (let x = 0; x < width; x++, o++) {
      let sum = 0
      for (let k = y * taps; k < (y + 1) * taps; k++) sum += weights[k]! * source[indices[k]! * width + x]!
      out[o] = sum
    }
}
