/** The names of Pillow's resampling filters. */
export type ResizeFilter = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos'

/** A filter's kernel and the distance, in source pixels at scale 1, beyond which it is zero. */
interface Kernel {
  readonly support: number
  readonly value: (t: number) => number
}

function sinc(t: number): number {
  if (t === 0) return 1
  const x = t * Math.PI
  return Math.sin(x) / x
}

/** Pillow's cubic, a = −0.5 (torch's default without antialiasing is −0.75: see resize-float.ts). */
function bicubic(t: number): number {
  const a = -0.5
  const x = Math.abs(t)
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a
  return 0
}

function hamming(t: number): number {
  const x = Math.abs(t)
  if (x === 0) return 1
  return x >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(x * Math.PI))
}

/** Source: Pillow, src/libImaging/Resample.c. */
const kernels: Record<Exclude<ResizeFilter, 'nearest'>, Kernel> = {
  box: { support: 0.5, value: (t) => (t > -0.5 && t <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, value: (t) => Math.max(0, 1 - Math.abs(t)) },
  hamming: { support: 1, value: hamming },
  bicubic: { support: 2, value: bicubic },
  lanczos: { support: 3, value: (t) => (t >= -3 && t < 3 ? sinc(t) * sinc(t / 3) : 0) },
}

/**
 * What each output position of one axis reads: `counts[i]` neighbours from `firsts[i]` on, weighted by
 * `weights[i · taps …]`, which sum to 1; unused places of a row are zero.
 */
export interface AxisTable {
  readonly taps: number
  readonly firsts: Int32Array
  readonly counts: Int32Array
  readonly weights: Float64Array
}

/**
 * The antialiased resampling table of one axis: shrinking widens the kernel by the scale, and the kernel is
 * cut (not mirrored) at the border. Source: Pillow, `precompute_coeffs`; torch's `antialias=True` uses the
 * same.
 */
export function axisTable(from: number, to: number, filter: Exclude<ResizeFilter, 'nearest'>): AxisTable {
  const kernel = kernels[filter]
  const scale = from / to
  const filterScale = Math.max(scale, 1)
  const inverse = 1 / filterScale // multiplied, not divided by, as Pillow does: the last bit depends on it
  const support = kernel.support * filterScale
  const taps = Math.ceil(support) * 2 + 1
  const table = {
    taps,
    firsts: new Int32Array(to),
    counts: new Int32Array(to),
    weights: new Float64Array(to * taps),
  }
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - support + 0.5))
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - first
    let sum = 0
    for (let k = 0; k < count; k++) {
      const weight = kernel.value((k + first - centre + 0.5) * inverse)
      table.weights[i * taps + k] = weight
      sum += weight
    }
    if (sum !== 0) for (let k = 0; k < count; k++) table.weights[i * taps + k]! /= sum
    table.firsts[i] = first
    table.counts[i] = count
  }
  return table
}
