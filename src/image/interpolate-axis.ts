import { axisTable } from './resize-filters.ts'

/** The variants of torch's `interpolate` for pictures and tables. */
export interface InterpolateOptions {
  readonly mode: 'bicubic' | 'bilinear'
  /** Corner pixels' centres stay in place; default false: half-pixel centres. Not with `antialias`. */
  readonly alignCorners?: boolean
  /** Widens the kernel when shrinking; bicubic then uses a = −0.5 instead of −0.75, as torch does. */
  readonly antialias?: boolean
  /** torch's `scale_factor` when it differs from output / input (position tables of DINOv2 and SigLIP). */
  readonly scale?: { readonly x: number; readonly y: number }
}

/** What each output position of one axis reads: `taps` source indices and their weights, [to, taps] each. */
export interface GatherTable {
  readonly taps: number
  readonly indices: Int32Array
  readonly weights: Float32Array
}

const { fround } = Math

/**
 * The gather table of one axis; border samples are repeated. Source: torch, UpSampleKernel.cpp: the step is rounded to
 * float32, positions are not (golden case `mgllava-preprocess`, `low_*`).
 */
export function gatherTable(
  from: number,
  to: number,
  options: InterpolateOptions,
  scale?: number,
): GatherTable {
  if (options.antialias) return antialiasedTable(from, to, options.mode)
  const step = sourceStep(from, to, options.alignCorners ?? false, scale)
  const cubic = options.mode === 'bicubic'
  const taps = cubic ? 4 : 2
  const indices = new Int32Array(to * taps)
  const weights = new Float32Array(to * taps)
  for (let i = 0; i < to; i++) {
    let position = options.alignCorners ? step * i : step * (i + 0.5) - 0.5
    if (!cubic) position = Math.max(0, position)
    const first = Math.min(Math.floor(position), from - 1)
    const t = Math.min(Math.max(position - first, 0), 1)
    weights.set(cubic ? cubicWeights(t) : [1 - t, t], i * taps)
    for (let k = 0; k < taps; k++)
      indices[i * taps + k] = Math.min(Math.max(first + k - (cubic ? 1 : 0), 0), from - 1)
  }
  return { taps, indices, weights }
}

function sourceStep(from: number, to: number, alignCorners: boolean, scale: number | undefined): number {
  if (alignCorners) return to > 1 ? fround((from - 1) / (to - 1)) : 0
  return fround(scale === undefined ? from / to : 1 / scale)
}

/** Keys' cubic with a = −0.75 at distances 1 + t, t, 1 − t, 2 − t. */
function cubicWeights(t: number): number[] {
  const a = -0.75
  const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1
  const far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
  return [far(t + 1), near(t), near(1 - t), far(2 - t)]
}

function antialiasedTable(from: number, to: number, mode: 'bicubic' | 'bilinear'): GatherTable {
  const { taps, firsts, weights } = axisTable(from, to, mode)
  const indices = new Int32Array(to * taps)
  for (let i = 0; i < to; i++)
    for (let k = 0; k < taps; k++) indices[i * taps + k] = Math.min(firsts[i]! + k, from - 1)
  return { taps, indices, weights: Float32Array.from(weights) }
}
