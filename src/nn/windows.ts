import { type Dim, mulDims } from '../graph/dim.ts'
import { gather, reshape, transpose } from '../graph/ops/index.ts'
import { indices, type Tensor } from '../graph/tensor.ts'
import { elementCount, type HostTensor, zeros } from '../tensor/tensor.ts'

// Maps are pictures of rows and columns, or clips of frames, rows and columns: sizes, windows and shifts are lists of
// two or three numbers, in that order.

/**
 * A map [B, …sizes, C] cut into windows, row by row: → [B·n, cells, C]. Sizes are multiples of the window's.
 */
export function partitionWindows(map: Tensor, window: readonly number[]): Tensor {
  const [batch, ...rest] = map.shape as [Dim, ...number[]]
  const width = rest.pop()!
  const counts = rest.map((size, axis) => size / window[axis]!)
  const cut = reshape(map, [batch, ...interleaved(counts, window), width])
  const order = [0, ...counts.map((_, axis) => 1 + 2 * axis), ...window.map((_, axis) => 2 + 2 * axis)]
  const count = mulDims(batch, elementCount(counts))
  return reshape(transpose(cut, [...order, order.length]), [count, elementCount(window), width])
}

/** The map whose windows these are: [B·n, cells, C] → [B, …sizes, C]. */
export function joinWindows(
  windows: Tensor,
  window: readonly number[],
  batch: Dim,
  sizes: readonly number[],
): Tensor {
  const width = windows.shape[2] as number
  const counts = sizes.map((size, axis) => size / window[axis]!)
  const cells = reshape(windows, [batch, ...counts, ...window, width])
  const order = interleaved(
    counts.map((_, axis) => 1 + axis),
    window.map((_, axis) => 1 + counts.length + axis),
  )
  return reshape(transpose(cells, [0, ...order, order.length + 1]), [batch, ...sizes, width])
}

/**
 * What is added to the attention scores of shifted windows, [n, cells, cells]: 0 between cells that were neighbours
 * before the map was rolled, −100 (the published value, not −∞) between cells that the roll brought together.
 * Source: Swin Transformer (arXiv 2103.14030), section 3.2.
 */
export function shiftMask(
  sizes: readonly number[],
  window: readonly number[],
  shift: readonly number[],
): HostTensor<'f32'> {
  const counts = sizes.map((size, axis) => size / window[axis]!)
  const area = elementCount(window)
  const mask = zeros('f32', [elementCount(counts), area, area])
  const regionOf = (at: number, axis: number): number => {
    const size = sizes[axis]!
    return at < size - window[axis]! ? 0 : at < size - shift[axis]! ? 1 : 2
  }
  for (let n = 0; n < mask.shape[0]!; n++) {
    const corner = placeOf(n, counts).map((count, axis) => count * window[axis]!)
    const regions = Array.from({ length: area }, (_, cell) =>
      placeOf(cell, window).reduce((region, at, axis) => 3 * region + regionOf(corner[axis]! + at, axis), 0),
    )
    for (let query = 0; query < area; query++)
      for (let key = 0; key < area; key++)
        if (regions[query] !== regions[key]) mask.data[(n * area + query) * area + key] = -100
  }
  return mask
}

/**
 * For every pair of cells of a window (query, key), the row of the table of biases that belongs to their distance:
 * query − key + window − 1 on each axis, as the digits of a number in bases 2·window − 1.
 */
export function relativePositions(window: readonly number[]): number[][] {
  const places = Array.from({ length: elementCount(window) }, (_, cell) => placeOf(cell, window))
  return places.map((query) =>
    places.map((key) =>
      window.reduce((row, side, axis) => row * (2 * side - 1) + query[axis]! - key[axis]! + side - 1, 0),
    ),
  )
}

/**
 * Each head's bias by how far the key lies from the query, looked up in a learned table
 * [Π (2·window − 1), heads] → [heads, cells, cells]. A smaller window than the table's takes the positions of its first
 * cells, as Video Swin's published code does, which is its own geometry only where the first axis alone is shorter.
 */
export function relativePositionBias(
  table: Tensor,
  window: readonly number[],
  cells = elementCount(window),
): Tensor {
  const heads = table.shape[1] as number
  const rows = relativePositions(window)
    .slice(0, cells)
    .flatMap((row) => row.slice(0, cells))
  return transpose(reshape(gather(table, indices(rows)), [cells, cells, heads]), [2, 0, 1])
}

/** The place of the n-th cell of a box, the last axis first. */
function placeOf(n: number, sizes: readonly number[]): number[] {
  const place: number[] = []
  let rest = n
  for (const size of sizes.toReversed()) {
    place.unshift(rest % size)
    rest = Math.floor(rest / size)
  }
  return place
}

function interleaved(a: readonly number[], b: readonly number[]): number[] {
  return a.flatMap((value, i) => [value, b[i]!])
}
