import { imageAxes, interpolate } from '../image/resize-float.ts'
import { InputError } from '../tensor/errors.ts'
import { type HostTensor, zeros } from '../tensor/tensor.ts'
import type { TileGroup } from './plan.ts'

/**
 * Square windows over each picture, row by row, picture after picture: [B, C, H, W] → [B·rows·columns, C, S,
 * S] with rows = ⌊(H − S)/stride⌋ + 1; what is left at the right and below is not seen.
 * Source: Monkey, `sliding_window`; golden case `minimonkey-strategies` (`window_fixed`, `window_overlap`).
 * @throws InputError `pixels-shape`; `window-size` when the window is larger than the picture or the stride
 * below 1.
 */
export function slidingWindow(pixels: HostTensor<'f32'>, window: number, stride: number): HostTensor<'f32'> {
  const [, , H, W] = imageAxes(pixels)
  if (
    !Number.isInteger(window) ||
    !Number.isInteger(stride) ||
    window < 1 ||
    stride < 1 ||
    window > Math.min(H, W)
  )
    throw new InputError(
      'window-size',
      `A window of ${window} with stride ${stride} does not fit a picture of ${W}×${H}. ` +
        'Use whole numbers, the window no larger than the shorter side.',
      { window, stride, width: W, height: H },
    )
  return windowsOf(pixels, {
    columns: windowCount(W, window, stride),
    rows: windowCount(H, window, stride),
    tile: { width: window, height: window },
    stride: { width: stride, height: stride },
  })
}

/** The windows of a group's geometry, which must fit: [B, C, H, W] → [B·rows·columns, C, h, w]. */
export function windowsOf(
  pixels: HostTensor<'f32'>,
  { columns, rows, tile, stride }: Pick<TileGroup, 'columns' | 'rows' | 'tile' | 'stride'>,
): HostTensor<'f32'> {
  const [B, C, H, W] = imageAxes(pixels)
  const out = zeros('f32', [B * rows * columns, C, tile.height, tile.width])
  let o = 0
  for (let b = 0; b < B; b++)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        for (let c = 0; c < C; c++)
          for (let y = 0; y < tile.height; y++, o += tile.width) {
            const start = ((b * C + c) * H + row * stride.height + y) * W + column * stride.width
            out.data.set(pixels.data.subarray(start, start + tile.width), o)
          }
  return out
}

/** Windows along one axis. */
export function windowCount(size: number, window: number, stride: number): number {
  return Math.floor((size - window) / stride) + 1
}

/**
 * The whole canvas as one tile, by torch's bicubic without antialiasing: [B, C, H, W] → [B, C, S, S].
 * Source: Monkey, `visual.py`; golden case `minimonkey-strategies` (`window_global`).
 */
export function globalView(pixels: HostTensor<'f32'>, tileSize: number): HostTensor<'f32'> {
  return interpolate(pixels, { width: tileSize, height: tileSize }, { mode: 'bicubic' })
}
