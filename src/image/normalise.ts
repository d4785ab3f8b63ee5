import { InputError } from '../tensor/errors.ts'
import { type HostTensor, zeros } from '../tensor/tensor.ts'
import type { RgbImage } from './rgb-image.ts'

/** Channel statistics (R, G, B) of the pixels that a vision tower was trained on, in units of 0..1. */
export interface Normalisation {
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
}

/** The published constants. `internvlClip` are InternVL's own roundings of OpenAI's `clip`. */
export const normalisations = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  clip: { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] },
  internvlClip: { mean: [0.4814546, 0.4578275, 0.40821073], std: [0.2686295, 0.2613025, 0.2757711] },
  siglip: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
} as const satisfies Record<string, Normalisation>

/**
 * Normalised float pixels of equally large tiles: N × [H, W, 3] bytes → [N, 3, H, W], (value/255 − mean) /
 * std, rounded to float32 after each step as torch rounds it. Source: torchvision ToTensor and Normalize;
 * golden case `internvl-pixels`.
 * @throws InputError `tiles-empty` without a tile, `tiles-size` when their sizes differ.
 */
export function toPixelValues(tiles: readonly RgbImage[], normalisation: Normalisation): HostTensor<'f32'> {
  const first = tiles[0]
  if (!first)
    throw new InputError('tiles-empty', 'There is no tile to normalise. Pass at least one picture.', {
      tiles: 0,
    })
  const { width: W, height: H } = first
  const pixels = zeros('f32', [tiles.length, 3, H, W])
  const [red, green, blue] = channelTables(normalisation)
  for (const [n, tile] of tiles.entries()) {
    if (tile.width !== W || tile.height !== H)
      throw new InputError(
        'tiles-size',
        `Tile ${n} is ${tile.width}×${tile.height}, but tile 0 is ${W}×${H}. ` +
          'Tiles of one batch must be equally large: resize them, or make a batch for each size.',
        { index: n, found: [tile.width, tile.height], expected: [W, H] },
      )
    writePlanes(tile.data, pixels.data, n * 3 * H * W, H * W, red!, green!, blue!)
  }
  return pixels
}

/** The normalised value of each byte: three tables of 256. */
function channelTables({ mean, std }: Normalisation): Float32Array[] {
  const { fround } = Math
  return mean.map((centre, channel) => {
    const deviation = fround(std[channel]!)
    return Float32Array.from({ length: 256 }, (_, byte) => {
      const centred = fround(fround(byte / 255) - fround(centre))
      return centred / deviation
    })
  })
}

function writePlanes(
  bytes: Uint8Array,
  out: Float32Array,
  start: number,
  area: number,
  red: Float32Array,
  green: Float32Array,
  blue: Float32Array,
): void {
  for (let i = 0, p = 0, o = start; i < area; i++, p += 3, o++) {
    out[o] = red[bytes[p]!]!
    out[o + area] = green[bytes[p + 1]!]!
    out[o + 2 * area] = blue[bytes[p + 2]!]!
  }
}
