import { asPillow, decodeImage } from '../../../src/image/decode.ts'
import { normalisations, toPixelValues } from '../../../src/image/normalise.ts'
import { meanColour, pad2square } from '../../../src/image/pad2square.ts'
import { resizeRgb } from '../../../src/image/resize.ts'
import type { RgbImage } from '../../../src/image/rgb-image.ts'
import { type HostTensor, hostTensor, zeros } from '../../../src/tensor/tensor.ts'
import { cutTiles } from '../../../src/tiling/cut.ts'
import { tilePixelValues } from '../../../src/tiling/pixel-values.ts'
import { planTiles } from '../../../src/tiling/tiling.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'

interface Config {
  readonly image_size: number
  readonly min_dynamic_patch: number
  readonly max_dynamic_patch: number
  readonly use_thumbnail: boolean
}

const normalisationOf = {
  imagenet: normalisations.imagenet,
  clip: normalisations.internvlClip,
  siglip: normalisations.siglip,
}

/** Tiles and pixel values of every picture of the folder, named by the first letter of its file. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = golden.json.config as unknown as Config
  const tensors = new Map<string, HostTensor>()
  for (const name of Object.keys(golden.json.inputs)) {
    const { image } = await decodeImage(golden.file(name), asPillow)
    const letter = name.split('_')[0]!
    if (golden.io.has(`expected.${letter}.tiles_u8`)) smallTiles(tensors, letter, image, config)
    if (golden.io.has(`expected.${letter}.pv448_sub`))
      largeTiles(tensors, letter, image, mostTiles(golden, letter), config.use_thumbnail)
    if (letter === 'a') squares(tensors, image, config.image_size)
  }
  return { tensors, checked: tensors.size }
}

function smallTiles(tensors: Map<string, HostTensor>, letter: string, image: RgbImage, config: Config): void {
  const plan = planTiles(image, {
    strategy: 'dynamic',
    tileSize: config.image_size,
    minTiles: config.min_dynamic_patch,
    maxTiles: config.max_dynamic_patch,
    usesThumbnail: config.use_thumbnail,
  })
  const tiles = cutTiles(image, plan)
  const side = config.image_size
  const bytes = new Uint8Array(tiles.length * side * side * 3)
  for (const [n, tile] of tiles.entries()) bytes.set(tile.data, n * side * side * 3)
  tensors.set(`${letter}.tiles_u8`, hostTensor('u8', [tiles.length, side, side, 3], bytes))
  tensors.set(`${letter}.pixel_values`, tilePixelValues(image, plan, normalisations.imagenet))
}

/** The description of a tensor says how many tiles it was made with: `image_size 448, min 1, max 6`. */
function mostTiles(golden: GoldenCase, letter: string): number {
  return Number(/max (\d+)/.exec(golden.json.expected[`${letter}.pv448_sub`] ?? '')?.[1])
}

function largeTiles(
  tensors: Map<string, HostTensor>,
  letter: string,
  image: RgbImage,
  maxTiles: number,
  usesThumbnail: boolean,
): void {
  const plan = planTiles(image, { strategy: 'dynamic', tileSize: 448, minTiles: 1, maxTiles, usesThumbnail })
  const pixels = tilePixelValues(image, plan, normalisations.imagenet)
  const N = plan.tiles.length
  const sub = zeros('f32', [N, 3, 13, 13])
  const mean = zeros('f32', [N, 3])
  const std = zeros('f32', [N, 3])
  for (let plane = 0; plane < N * 3; plane++) {
    const values = pixels.data.subarray(plane * 448 * 448, (plane + 1) * 448 * 448)
    for (let y = 0; y < 13; y++)
      for (let x = 0; x < 13; x++) sub.data[plane * 169 + y * 13 + x] = values[y * 37 * 448 + x * 37]!
    const average = values.reduce((sum, value) => sum + value, 0) / values.length
    mean.data[plane] = average
    std.data[plane] = Math.sqrt(
      values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length,
    )
  }
  tensors.set(`${letter}.pv448_sub`, sub)
  tensors.set(`${letter}.pv448_mean`, mean)
  tensors.set(`${letter}.pv448_std`, std)
}

function squares(tensors: Map<string, HostTensor>, image: RgbImage, side: number): void {
  for (const [name, normalisation] of Object.entries(normalisationOf)) {
    const square = pad2square(image, meanColour(normalisation))
    const pixels = toPixelValues([resizeRgb(square, side, side)], normalisation)
    tensors.set(`pad2square.${name}`, hostTensor('f32', [3, side, side], pixels.data))
  }
  const plain = toPixelValues([resizeRgb(image, side, side)], normalisations.imagenet)
  tensors.set('notile.imagenet', hostTensor('f32', [3, side, side], plain.data))
}
