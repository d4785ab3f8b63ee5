import { asPillow, decodeImage } from '../../../src/image/decode.ts'
import type { Normalisation } from '../../../src/image/normalise.ts'
import { type HostTensor, hostTensor, i64 } from '../../../src/tensor/tensor.ts'
import { tilePixelValues } from '../../../src/tiling/pixel-values.ts'
import { planTiles, type TilingOptions } from '../../../src/tiling/tiling.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'

interface Config {
  readonly crop_size: { readonly height: number }
  readonly image_mean: Normalisation['mean']
  readonly image_std: Normalisation['std']
  readonly image_grid_pinpoints: readonly (readonly [width: number, height: number])[]
}

/** Every picture padded, cropped and at any resolution: samples, means and deviations of its pixel values. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = golden.json.config as unknown as Config
  const tileSize = config.crop_size.height
  const normalisation = { mean: config.image_mean, std: config.image_std }
  const pinpoints = config.image_grid_pinpoints.map(([width, height]) => ({ width, height }))
  const modes: Record<string, TilingOptions> = {
    pad: { strategy: 'square', tileSize, fit: 'pad' },
    plain: { strategy: 'square', tileSize, fit: 'crop' },
    anyres: { strategy: 'anyres', tileSize, pinpoints },
  }
  const tensors = new Map<string, HostTensor>()
  const pictures = golden.json.inputs.images as unknown as readonly { readonly file: string }[]
  for (const [i, { file }] of pictures.entries()) {
    const { image } = await decodeImage(golden.file(file), asPillow)
    for (const [mode, options] of Object.entries(modes)) {
      const plan = planTiles(image, options)
      const pixels = tilePixelValues(image, plan, normalisation)
      const give = (name: string, make: (wanted: readonly number[]) => HostTensor): void => {
        const wanted = golden.io.get(`expected.${mode}_${name}${i}`)
        if (wanted) tensors.set(`${mode}_${name}${i}`, make(wanted.shape))
      }
      give('sub', (shape) => everyNth(pixels, shape))
      give('tilemean', (shape) => overCells(pixels, shape, mean))
      give('tilestd', (shape) => overCells(pixels, shape, deviation))
      give('crop', (shape) => cropOf(pixels, shape))
      const canvas = plan.groups.at(-1)!.canvas!
      give('best', () => i64([2], [canvas.width, canvas.height]))
    }
  }
  return { tensors, checked: tensors.size }
}

/** Pixels at equal steps, as many as the shape has. */
function everyNth(pixels: HostTensor<'f32'>, shape: readonly number[]): HostTensor {
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
function overCells(
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

/** Rows from 150 and columns from 140 on, as the case describes it. */
function cropOf(pixels: HostTensor<'f32'>, shape: readonly number[]): HostTensor {
  const side = pixels.shape[3]!
  const [rows, columns] = shape.slice(-2) as [number, number]
  return perPlane(pixels, shape, (plane) =>
    Array.from({ length: rows }, (_, y) => [
      ...plane.subarray((150 + y) * side + 140, (150 + y) * side + 140 + columns),
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

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function deviation(values: readonly number[]): number {
  const centre = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)))
}
