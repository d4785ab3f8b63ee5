import { uniclPixels } from '../../../src/encoders/unicl-pixels.ts'
import { asPillow, decodeImage } from '../../../src/image/decode.ts'
import { f32, type HostTensor, hostTensor } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'

interface PreprocessCase {
  readonly IMG_SIZE: number
  readonly TEST: { readonly CROP: boolean }
}

/** The evaluation pixels of every picture: every ninth row and column, a corner, and each channel's statistics. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const { IMG_SIZE: size, TEST } = golden.json.config as unknown as PreprocessCase
  const { files } = golden.json as unknown as { files: Record<string, string> }
  const tensors = new Map<string, HostTensor>()
  for (const file of Object.keys(files)) {
    const name = file.split('_')[0]!
    const { image } = await decodeImage(golden.file(file), asPillow)
    const pixels = uniclPixels(image, size, { crops: TEST.CROP })
    const sampled = Array.from({ length: Math.ceil(size / 9) }, (_, i) => 9 * i)
    const near = (from: number): number[] => Array.from({ length: 24 }, (_, i) => from + i)
    tensors.set(`${name}.sub9`, picked(pixels, sampled, sampled))
    tensors.set(`${name}.crop`, picked(pixels, near(100), near(90)))
    tensors.set(`${name}.meanstd`, statistics(pixels))
  }
  return { tensors, checked: tensors.size }
}

/** The pixels of the only picture at some rows and columns, [3, rows, columns]. */
function picked(
  { shape, data }: HostTensor<'f32'>,
  rows: readonly number[],
  columns: readonly number[],
): HostTensor {
  const [, C, H, W] = shape as [number, number, number, number]
  const values = Array.from({ length: C }, (_, c) =>
    rows.map((row) => columns.map((column) => data[(c * H + row) * W + column]!)),
  )
  return f32([C, rows.length, columns.length], values.flat(2))
}

/** Mean and standard deviation of each channel, [3, 2]. */
function statistics({ shape, data }: HostTensor<'f32'>): HostTensor {
  const [, C, H, W] = shape as [number, number, number, number]
  const found = new Float32Array(2 * C)
  for (let c = 0; c < C; c++) {
    const channel = data.subarray(c * H * W, (c + 1) * H * W)
    const mean = channel.reduce((sum, x) => sum + x, 0) / channel.length
    const variance = channel.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (channel.length - 1)
    found.set([mean, Math.sqrt(variance)], 2 * c)
  }
  return hostTensor('f32', [C, 2], found)
}
