import { type HostTensor, hostTensor } from '../../src/tensor/tensor.ts'

/** Pixels at equal steps from the first on, as many as the shape has. */
export function everyNth(pixels: HostTensor<'f32'>, shape: readonly number[]): HostTensor {
  const side = pixels.shape[3]!
  const count = shape.at(-1)!
  const step = side / count
  return perPlane(pixels, shape, (plane) =>
    Array.from(
      { length: count * count },
      (_, i) => plane[Math.floor(i / count) * step * side + (i % count) * step]!,
    ),
  )
}

/** A statistic of each cell of a grid with edges at ⌊side·k/cells⌋. */
export function overCells(
  pixels: HostTensor<'f32'>,
  shape: readonly number[],
  statistic: (values: readonly number[]) => number,
): HostTensor {
  const side = pixels.shape[3]!
  const cells = shape.at(-1)!
  const edge = (k: number): number => Math.floor((side * k) / cells)
  return perPlane(pixels, shape, (plane) =>
    Array.from({ length: cells * cells }, (_, i) => {
      const [row, column] = [Math.floor(i / cells), i % cells]
      const values: number[] = []
      for (let y = edge(row); y < edge(row + 1); y++)
        values.push(...plane.subarray(y * side + edge(column), y * side + edge(column + 1)))
      return statistic(values)
    }),
  )
}

/** Pixels from a place on, as many as the shape has. */
export function cropOf(
  pixels: HostTensor<'f32'>,
  shape: readonly number[],
  from: { readonly row: number; readonly column: number },
): HostTensor {
  const side = pixels.shape[3]!
  const [rows, columns] = shape.slice(-2) as [number, number]
  return perPlane(pixels, shape, (plane) =>
    Array.from({ length: rows }, (_, y) => [
      ...plane.subarray((from.row + y) * side + from.column, (from.row + y) * side + from.column + columns),
    ]).flat(),
  )
}

function perPlane(
  pixels: HostTensor<'f32'>,
  shape: readonly number[],
  values: (plane: Float32Array) => readonly number[],
): HostTensor {
  const [N, C, H, W] = pixels.shape as [number, number, number, number]
  const planes = Array.from({ length: N * C }, (_, i) => pixels.data.subarray(i * H * W, (i + 1) * H * W))
  return hostTensor('f32', shape, Float32Array.from(planes.flatMap(values)))
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export function deviation(values: readonly number[]): number {
  const centre = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)))
}
