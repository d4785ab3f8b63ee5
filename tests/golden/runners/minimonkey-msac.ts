import { asPillow, decodeImage } from '../../../src/image/decode.ts'
import { normalisations } from '../../../src/image/normalise.ts'
import { type HostTensor, i64 } from '../../../src/tensor/tensor.ts'
import { tilePixelValues } from '../../../src/tiling/pixel-values.ts'
import type { Grid, TilePlan } from '../../../src/tiling/plan.ts'
import { planTiles } from '../../../src/tiling/tiling.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'

/**
 * Evaluation tiles, the demo's order as indices into them, and the training composition, for every picture.
 */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const tileSize = golden.json.config.image_size as number
  const tensors = new Map<string, HostTensor>()
  const wanted = (name: string) => golden.io.has(`expected.${name}`)
  for (const file of Object.keys(golden.json.inputs)) {
    const { image } = await decodeImage(golden.file(file), asPillow)
    const name = file.split('_')[0]!
    const kit = planTiles(image, { strategy: 'msac', tileSize, preset: 'vlmevalkit:default' })
    const demo = planTiles(image, { strategy: 'msac', tileSize, preset: 'demo' })
    const train = planTiles(image, { strategy: 'msac', tileSize, preset: 'training' })
    const pixels = (plan: TilePlan) => tilePixelValues(image, plan, normalisations.imagenet)
    tensors.set(`${name}.detailed_grid`, gridTensor(kit.detailedGrid!))
    tensors.set(`${name}.train_grid`, gridTensor(train.detailedGrid!))
    tensors.set(`${name}.demo_order`, permutation(demo, kit))
    if (wanted(`${name}.kit_pixel_values`)) tensors.set(`${name}.kit_pixel_values`, pixels(kit))
    if (wanted(`${name}.train_pixel_values`)) tensors.set(`${name}.train_pixel_values`, pixels(train))
  }
  return { tensors, checked: tensors.size }
}

function gridTensor({ columns, rows }: Grid): HostTensor<'i64'> {
  return i64([2], [columns, rows])
}

/** For each tile of `plan`, the index of the same tile (group name and cell) in `reference`. */
function permutation(plan: TilePlan, reference: TilePlan): HostTensor<'i64'> {
  const label = (p: TilePlan, i: number) => {
    const tile = p.tiles[i]!
    return `${p.groups[tile.group]!.name} ${tile.row} ${tile.column}`
  }
  const places = new Map(reference.tiles.map((_, i) => [label(reference, i), i]))
  const order = plan.tiles.map((_, i) => places.get(label(plan, i))!)
  return i64([order.length], order)
}
