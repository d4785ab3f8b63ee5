import { parseConfig } from '../../../src/checkpoint/config.ts'
import { clipVisionConfig } from '../../../src/encoders/clip-config.ts'
import { clipVit } from '../../../src/encoders/clip-vit.ts'
import { type SelectFeature, selectFeatures } from '../../../src/encoders/vision-features.ts'
import { reshape } from '../../../src/graph/ops/index.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { positionTable } from '../../../src/nn/position-table.ts'
import { antialiasBicubicWeights } from '../../../src/nn/resize.ts'
import type { HostTensor } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, runOnce, withTaps } from '../programs.ts'

/** Eagle's tower at every given size, its position table, and LLaVA's tower on the same weights. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = parseConfig(clipVisionConfig, golden.json.config.vision_config, 'case.json')
  const w = new Weights(await caseWeights(golden)).at('vision_tower.vision_model')
  const tensors = new Map<string, HostTensor>()
  for (const [name, pixels] of golden.io) {
    if (!name.startsWith('input.')) continue
    const size = name.slice(6)
    const x = input('pixels', 'f32', pixels.shape)
    const { hiddenStates } = clipVit(w, x, config, {
      dropsClassToken: true,
      positionWeights: antialiasBicubicWeights,
    })
    const values = await runOnce({ features: hiddenStates.at(-1)! }, { pixels }, withTaps)
    tensors.set(`${size}.embeddings`, values.embeddings!)
    tensors.set(`${size}.pre_layrnorm`, values['hidden_states.0']!)
    for (let i = 0; i < config.num_hidden_layers; i++)
      tensors.set(`${size}.layer${i}`, values[`hidden_states.${i + 1}`] ?? values.features!)
    tensors.set(`${size}.features`, values.features!)
  }
  const pixels = golden.io.get('input.native')!
  for (const name of golden.io.keys()) {
    const found = /^expected\.llava_style\.select_layer_(-?\d+)\.(patch|cls_patch)$/.exec(name)
    if (!found) continue
    const tower = clipVit(w, input('pixels', 'f32', pixels.shape), config)
    const features = selectFeatures(tower, Number(found[1]), found[2] as SelectFeature)
    tensors.set(name.slice(9), (await runOnce({ features }, { pixels })).features!)
  }
  const table = w.get('embeddings.position_embedding.weight')
  const stored = reshape(table, [1, ...table.shape])
  for (const [name, resized] of golden.io) {
    if (!name.endsWith('.position_embedding_resized')) continue
    const side = Math.sqrt(resized.shape[1]! - 1)
    const position = positionTable(stored, side, side, antialiasBicubicWeights)
    tensors.set(name.slice(9), (await runOnce({ position }, {})).position!)
  }
  return { tensors, checked: tensors.size }
}
