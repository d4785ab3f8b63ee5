import { matmul, matmulTransposed } from '../graph/ops/index.ts'
import { constant, type Tensor } from '../graph/tensor.ts'
import { f32, type HostTensor } from '../tensor/tensor.ts'

/**
 * Resizes feature maps as two products with constant matrices, one an axis: differentiable, and the same on every
 * device. x [..., h, w] → [..., rows, columns].
 */
export function resizeMaps(
  x: Tensor,
  rows: number,
  columns: number,
  weights: (from: number, to: number) => HostTensor<'f32'>,
): Tensor {
  const [height, width] = x.shape.slice(-2) as [number, number]
  const wide = width === columns ? x : matmulTransposed(x, constant(weights(width, columns)))
  return height === rows ? wide : matmul(constant(weights(height, rows)), wide)
}

/** Interpolation weights [to, from] of PyTorch's bicubic mode (a = −0.75, align_corners false, no antialias). */
export function bicubicWeights(from: number, to: number): HostTensor<'f32'> {
  const a = -0.75
  const near = (t: number): number => ((a + 2) * t - (a + 3)) * t * t + 1
  const far = (t: number): number => ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
  const table = new Float32Array(to * from)
  for (let row = 0; row < to; row++) {
    const at = ((row + 0.5) * from) / to - 0.5
    const base = Math.floor(at)
    const t = at - base
    const taps = [far(t + 1), near(t), near(1 - t), far(2 - t)]
    taps.forEach((weight, k) => {
      const column = Math.min(from - 1, Math.max(0, base - 1 + k))
      table[row * from + column]! += weight
    })
  }
  return f32([to, from], table)
}

/**
 * Interpolation weights [to, from] of PyTorch's bicubic mode with antialias (a = −0.5, support widened when shrinking,
 * weights of the taps inside the axis renormalised): also another table than `bicubicWeights` when enlarging.
 */
export function antialiasBicubicWeights(from: number, to: number): HostTensor<'f32'> {
  const scale = from / to
  const width = Math.max(scale, 1)
  const table = new Float32Array(to * from)
  for (let row = 0; row < to; row++) {
    const centre = (row + 0.5) * scale
    const start = Math.max(0, Math.trunc(centre - 2 * width + 0.5))
    const end = Math.min(from, Math.trunc(centre + 2 * width + 0.5))
    const taps = Array.from({ length: end - start }, (_, k) => keys((start + k + 0.5 - centre) / width))
    const total = taps.reduce((sum, weight) => sum + weight, 0)
    taps.forEach((weight, k) => {
      table[row * from + start + k] = weight / total
    })
  }
  return f32([to, from], table)
}

/** Keys' cubic kernel with a = −0.5, zero beyond 2. */
function keys(t: number): number {
  const d = Math.abs(t)
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0
}

/** Averaging weights [to, from] of PyTorch's adaptive average pooling (interpolation mode "area"). */
export function areaWeights(from: number, to: number): HostTensor<'f32'> {
  const table = new Float32Array(to * from)
  for (let row = 0; row < to; row++) {
    const start = Math.floor((row * from) / to)
    const end = Math.ceil(((row + 1) * from) / to)
    for (let column = start; column < end; column++) table[row * from + column] = 1 / (end - start)
  }
  return f32([to, from], table)
}

/** Interpolation weights [to, from] of PyTorch's bilinear mode (align_corners false, no antialias). */
export function bilinearWeights(from: number, to: number): HostTensor<'f32'> {
  const table = new Float32Array(to * from)
  for (let row = 0; row < to; row++) {
    const at = Math.max(0, ((row + 0.5) * from) / to - 0.5)
    const base = Math.floor(at)
    table[row * from + base]! += 1 - (at - base)
    table[row * from + Math.min(from - 1, base + 1)]! += at - base
  }
  return f32([to, from], table)
}
