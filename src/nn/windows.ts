import { type Dim, mulDims } from '../graph/dim.ts'
import { gather, reshape, transpose } from '../graph/ops/index.ts'
import { indices, type Tensor } from '../graph/tensor.ts'
import { type HostTensor, zeros } from '../tensor/tensor.ts'

/** A map [B, H, W, C] cut into squares, row by row: → [B·n, side², C]. H and W are multiples of `side`. */
export function partitionWindows(map: Tensor, side: number): Tensor {
  const [batch, rows, columns, width] = map.shape as [Dim, number, number, number]
  const [down, across] = [rows / side, columns / side]
  const cells = reshape(map, [batch, down, side, across, side, width])
  return reshape(transpose(cells, [0, 1, 3, 2, 4, 5]), [mulDims(batch, down * across), side * side, width])
}

/** The map whose windows these are: [B·n, side², C] → [B, rows, columns, C]. */
export function joinWindows(
  windows: Tensor,
  side: number,
  batch: Dim,
  rows: number,
  columns: number,
): Tensor {
  const width = windows.shape[2] as number
  const cells = reshape(windows, [batch, rows / side, columns / side, side, side, width])
  return reshape(transpose(cells, [0, 1, 3, 2, 4, 5]), [batch, rows, columns, width])
}

/**
 * What is added to the attention scores of shifted windows, [n, side², side²]: 0 between cells that were neighbours
 * before the map was rolled, −100 (the published value, not −∞) between cells that the roll brought together.
 * Source: Swin Transformer (arXiv 2103.14030), section 3.2.
 */
export function shiftMask(rows: number, columns: number, side: number, shift: number): HostTensor<'f32'> {
  const area = side * side
  const across = columns / side
  const region = (at: number, size: number): number => (at < size - side ? 0 : at < size - shift ? 1 : 2)
  const mask = zeros('f32', [(rows / side) * across, area, area])
  const regions = new Uint8Array(area)
  for (let window = 0; window < mask.shape[0]!; window++) {
    const top = Math.floor(window / across) * side
    const left = (window % across) * side
    for (let cell = 0; cell < area; cell++)
      regions[cell] = 3 * region(top + Math.floor(cell / side), rows) + region(left + (cell % side), columns)
    for (let query = 0; query < area; query++)
      for (let key = 0; key < area; key++)
        if (regions[query] !== regions[key]) mask.data[(window * area + query) * area + key] = -100
  }
  return mask
}

/**
 * Each head's bias by how far the key lies from the query, looked up in a learned table. table
 * [(2·side − 1)², heads], whose row is (Δy + side − 1)·(2·side − 1) + Δx + side − 1 with Δ = query − key →
 * [heads, side², side²].
 */
export function relativePositionBias(table: Tensor, side: number): Tensor {
  const heads = table.shape[1] as number
  const area = side * side
  const rows = Array.from({ length: area * area }, (_, i) => {
    const [query, key] = [Math.floor(i / area), i % area]
    const down = Math.floor(query / side) - Math.floor(key / side)
    const across = (query % side) - (key % side)
    return (down + side - 1) * (2 * side - 1) + across + side - 1
  })
  return transpose(reshape(gather(table, indices(rows)), [area, area, heads]), [2, 0, 1])
}
