import type { Dim } from '../graph/dim.ts'
import { concat, matmulTransposed, mul, reshape } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import { f32, type HostTensor } from '../tensor/tensor.ts'
import { bilinearWeights } from './resize.ts'

/** How the boxes lie on the maps. */
export interface RoiMeanOptions {
  /** The side of the square picture that the boxes are measured in, 768 pixels in MG-LLaVA. */
  readonly pictureSide: number
  /** Cells a side of the RoIAlign grid over which the mean is taken, 56 in MG-LLaVA. */
  readonly cells: number
}

/** The weights of one stage: rows [B, n, h] and columns [B, n, w]. */
export interface RoiMeanWeights<T> {
  readonly rows: T
  readonly columns: T
}

/**
 * Per box the mean of RoIAlign over all stages' maps, as if they were first resized to the first stage's grid and
 * concatenated: [B, ΣC_s, …] → [B, n, ΣC_s]. RoIAlign, its mean and the bilinear resizing are linear and separable, so a
 * box's vector is Σ_y Σ_x rows[y]·columns[x]·map[:, y, x]; neither the sampled grids (36 MB a box at true size) nor the
 * concatenated map (425 MB) come to exist. Source: MG-LLaVA (arXiv 2406.17770), section 3.3; golden case
 * `mgllava-roialign`.
 */
export function roiMeans(stages: readonly Tensor[], weights: readonly RoiMeanWeights<Tensor>[]): Tensor {
  return concat(
    stages.map((maps, s) => weightedMeans(maps, weights[s]!)),
    2,
  )
}

/** [B, C, h, w] → [B, n, C]. */
function weightedMeans(maps: Tensor, { rows, columns }: RoiMeanWeights<Tensor>): Tensor {
  const [B, C, h, w] = maps.shape as [Dim, Dim, number, number]
  const [, n] = rows.shape as [Dim, Dim]
  const cells = mul(reshape(rows, [B, n, h, 1]), reshape(columns, [B, n, 1, w]))
  return matmulTransposed(reshape(cells, [B, n, h * w]), reshape(maps, [B, C, h * w]))
}

/**
 * The weights that `roiMeans` takes, for the boxes of every picture; pictures with fewer boxes are padded by zero rows.
 * @param pictures boxes [x0, y0, x1, y1] of each picture, within the square of `pictureSide`
 * @param sides the sides of the stages' square maps; the boxes are scaled to the first
 */
export function roiMeanWeights(
  pictures: readonly (readonly (readonly [number, number, number, number])[])[],
  sides: readonly number[],
  { pictureSide, cells }: RoiMeanOptions,
): RoiMeanWeights<HostTensor<'f32'>>[] {
  const n = Math.max(0, ...pictures.map((boxes) => boxes.length))
  const side = sides[0]!
  return sides.map((size) => {
    const resize = size === side ? undefined : bilinearWeights(size, side) // [side, size]
    const axis = (low: 0 | 1): HostTensor<'f32'> => {
      const table = new Float32Array(pictures.length * n * size)
      for (const [b, boxes] of pictures.entries())
        for (const [i, box] of boxes.entries()) {
          const weights = meanWeights(box[low], box[low + 2]!, side, side / pictureSide, cells)
          table.set(resize ? transposedProduct(resize, weights) : weights, (b * n + i) * size)
        }
      return f32([pictures.length, n, size], table)
    }
    return { rows: axis(1), columns: axis(0) }
  })
}

/**
 * The weight of each of `size` rows in the mean of RoIAlign over an axis, for a box from `low` to `high`: torchvision's
 * rule for `aligned=False` and adaptive sampling, in float32 where rounding decides the number of samples.
 */
export function meanWeights(
  low: number,
  high: number,
  size: number,
  scale: number,
  cells: number,
): Float64Array {
  const { fround } = Math
  const start = fround(low * scale)
  const extent = Math.max(fround(fround(high * scale) - start), 1)
  const samples = Math.ceil(fround(extent / cells))
  const weights = new Float64Array(size)
  const share = 1 / (cells * samples)
  for (let k = 0; k < cells * samples; k++) {
    const place = start + (k + 0.5) * extent * share
    if (place < -1 || place > size) continue
    const clamped = Math.min(Math.max(place, 0), size - 1)
    const base = Math.floor(clamped)
    weights[base]! += share * (1 - (clamped - base))
    if (base + 1 < size) weights[base + 1]! += share * (clamped - base)
  }
  return weights
}

/** Wᵀ·v for W [rows, columns]. */
function transposedProduct({ shape, data }: HostTensor<'f32'>, v: Float64Array): Float64Array {
  const [rows, columns] = shape as [number, number]
  const product = new Float64Array(columns)
  for (let row = 0; row < rows; row++) {
    if (v[row] === 0) continue
    for (let column = 0; column < columns; column++)
      product[column]! += v[row]! * data[row * columns + column]!
  }
  return product
}
