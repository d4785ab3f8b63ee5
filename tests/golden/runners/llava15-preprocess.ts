import { asPillow, decodeImage } from '../../../src/image/decode.ts'
import type { Normalisation } from '../../../src/image/normalise.ts'
import { type HostTensor, i64 } from '../../../src/tensor/tensor.ts'
import { tilePixelValues } from '../../../src/tiling/pixel-values.ts'
import { planTiles, type TilingOptions } from '../../../src/tiling/tiling.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { cropOf, deviation, everyNth, mean, overCells } from '../pixel-samples.ts'

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
      give('crop', (shape) => cropOf(pixels, shape, { row: 150, column: 140 }))
      const canvas = plan.groups.at(-1)!.canvas!
      give('best', () => i64([2], [canvas.width, canvas.height]))
    }
  }
  return { tensors, checked: tensors.size }
}
