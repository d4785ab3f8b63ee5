import type { Dim } from '../graph/dim.ts'
import { concat, reshape, slice, transpose } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import { resizeMaps } from './resize.ts'

/** How a table is interpolated along one axis: the weights [to, from] of every new place. */
export type AxisWeights = (from: number, to: number) => HostTensor<'f32'>

/**
 * The position table of a vision transformer for a grid of patches, interpolated where the grid differs from the
 * stored square one; the class position is never interpolated. [1, 1 + g², C] → [1, 1 + rows·columns, C].
 */
export function positionTable(table: Tensor, rows: Dim, columns: Dim, weights: AxisWeights): Tensor {
  const [, count, width] = table.shape as [number, number, number]
  const stored = Math.sqrt(count - 1)
  if (rows === stored && columns === stored) return table
  const grid = reshape(slice(table, 1, 1, count), [stored, stored, width])
  const maps = transpose(grid, [2, 0, 1]) // [C, g, g]
  const resized = resizeMaps(maps, rows as number, columns as number, weights)
  const patches = reshape(transpose(resized, [1, 2, 0]), [1, (rows as number) * (columns as number), width])
  return concat([slice(table, 1, 0, 1), patches], 1)
}
