import { type HostTensor, zeros } from '../tensor/tensor.ts'
import type { Normalisation } from './normalise.ts'
import type { RgbImage } from './rgb-image.ts'

const { fround } = Math

export interface GaussianResizeOptions {
  /** Side of the result in pixels. */
  readonly side: number
  /** The value, 0..1, that fills the square below and to the right of the picture. */
  readonly padding: number
  /** What a byte is multiplied with; 1/255 in every published configuration. */
  readonly rescale: number
  readonly normalisation: Normalisation
}

/**
 * The picture in the upper left of a square of its longer side, at another size, as normalised floats: [3, S, S].
 * Shrinking by f blurs first with a Gaussian of σ = (f − 1)/2; then two taps an axis, borders mirrored about the
 * outermost pixels' centres; values are clipped to the range before the blur. Rows and columns that no tap reads are
 * never blurred, and the square is never laid out: a large picture costs what its size in bytes costs.
 * Source: scipy.ndimage gaussian_filter and zoom(order=1, mode='mirror', grid_mode=True), as skimage's `resize` and
 * transformers 4.45 Owlv2ImageProcessor call them; golden case `owlv2-preprocess`.
 */
export function resizeGaussian(image: RgbImage, options: GaussianResizeOptions): HostTensor<'f32'> {
  const { side: S, normalisation } = options
  const square = Math.max(image.width, image.height)
  const taps = axisTaps(square, S)
  const kernel = gaussian((square / S - 1) / 2)
  const values = Float32Array.from({ length: 256 }, (_, byte) => byte * options.rescale)
  const padding = fround(options.padding)
  const [low, high] = rangeOf(image, values, padding)
  const rowAt = blurredRows(image, square, values, padding, kernel, taps)
  const pixels = zeros('f32', [3, S, S])
  const [mean, std] = [normalisation.mean.map(fround), normalisation.std.map(fround)]
  for (let y = 0; y < S; y++) {
    const upper = rowAt(taps.first[y]!)
    const lower = rowAt(taps.second[y]!)
    const v = taps.weight[y]!
    for (let x = 0; x < S; x++) {
      const h = taps.weight[x]!
      for (let c = 0; c < 3; c++) {
        const at = 6 * x + c // the first tap of this column; its second is three further on
        const top = (1 - h) * upper[at]! + h * upper[at + 3]!
        const bottom = (1 - h) * lower[at]! + h * lower[at + 3]!
        const value = Math.min(Math.max(fround((1 - v) * top + v * bottom), low), high)
        pixels.data[(c * S + y) * S + x] = fround(value - mean[c]!) / std[c]!
      }
    }
  }
  return pixels
}

/** Of each output position: the two source indices that it reads, and the share of the second. */
interface AxisTaps {
  readonly first: Int32Array
  readonly second: Int32Array
  readonly weight: Float64Array
}

function axisTaps(from: number, to: number): AxisTaps {
  const taps = { first: new Int32Array(to), second: new Int32Array(to), weight: new Float64Array(to) }
  for (let i = 0; i < to; i++) {
    const position = (i + 0.5) * (from / to) - 0.5
    const floor = Math.floor(position)
    taps.first[i] = mirror(floor, from)
    taps.second[i] = mirror(floor + 1, from)
    taps.weight[i] = position - floor
  }
  return taps
}

/** The index mirrored about the centres of the outermost pixels: −1 → 1, n → n − 2. */
function mirror(index: number, n: number): number {
  if (n === 1) return 0
  const period = 2 * (n - 1)
  const wrapped = ((index % period) + period) % period
  return wrapped < n ? wrapped : period - wrapped
}

/** The weights of a Gaussian at −radius … radius, cut at 4σ; the identity where nothing is shrunk. */
function gaussian(sigma: number): Float64Array {
  if (sigma <= 0) return Float64Array.of(1)
  const radius = Math.trunc(4 * sigma + 0.5)
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - radius) / sigma) ** 2),
  )
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

/** The smallest and largest value of the padded square, all channels together. */
function rangeOf(image: RgbImage, values: Float32Array, padding: number): [low: number, high: number] {
  let least = 255
  let most = 0
  for (const byte of image.data) {
    if (byte < least) least = byte
    if (byte > most) most = byte
  }
  const isPadded = image.width !== image.height
  const [low, high] = [values[least]!, values[most]!]
  return isPadded ? [Math.min(low, padding), Math.max(high, padding)] : [low, high]
}

/**
 * Rows of the blurred square, only at the columns that taps read: for output column x the RGB of its first tap, then
 * of its second, 6·S numbers. The last two rows are kept, for neighbouring output rows share them.
 */
function blurredRows(
  image: RgbImage,
  square: number,
  values: Float32Array,
  padding: number,
  kernel: Float64Array,
  { first, second }: AxisTaps,
): (row: number) => Float32Array {
  const size = kernel.length
  const radius = (size - 1) / 2
  const sums = new Float64Array(3 * image.width)
  const line = new Float32Array(3 * square)
  // Where in `line` each blurred pixel's neighbours begin: [S, 2, size].
  const neighbours = Int32Array.from({ length: 2 * first.length * size }, (_, i) => {
    const column = Math.floor(i / size)
    const centre = (column % 2 === 0 ? first : second)[column >> 1]!
    return 3 * mirror(centre + (i % size) - radius, square)
  })
  const rows = new Map<number, Float32Array>()

  /** Blurs along y into `line`, rounded to float32 as scipy stores it between the passes. */
  function blurVertically(row: number): void {
    sums.fill(0)
    for (let k = 0; k < size; k++) {
      const weight = kernel[k]!
      const y = mirror(row + k - radius, square)
      const start = y * sums.length
      if (y >= image.height) for (let i = 0; i < sums.length; i++) sums[i]! += weight * padding
      else for (let i = 0; i < sums.length; i++) sums[i]! += weight * values[image.data[start + i]!]!
    }
    line.set(sums)
    line.fill(padding, sums.length)
  }

  function blurHorizontally(): Float32Array {
    const out = new Float32Array(6 * first.length)
    for (let o = 0, n = 0; o < out.length; o += 3) {
      let [red, green, blue] = [0, 0, 0]
      for (let k = 0; k < size; k++, n++) {
        const p = neighbours[n]!
        const weight = kernel[k]!
        red += weight * line[p]!
        green += weight * line[p + 1]!
        blue += weight * line[p + 2]!
      }
      out[o] = red
      out[o + 1] = green
      out[o + 2] = blue
    }
    return out
  }

  return (row) => {
    const known = rows.get(row)
    if (known) return known
    blurVertically(row)
    const made = blurHorizontally()
    if (rows.size >= 2) rows.delete(rows.keys().next().value!)
    rows.set(row, made)
    return made
  }
}
