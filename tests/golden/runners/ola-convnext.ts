import { parseConfig } from '../../../src/checkpoint/config.ts'
import { convNext } from '../../../src/encoders/convnext.ts'
import { convNextConfig } from '../../../src/encoders/convnext-config.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { mapTokens } from '../../../src/nn/maps.ts'
import type { HostTensor } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, runOnce, withTaps } from '../programs.ts'
import { subsample } from '../subsample.ts'

/** OLA-VLM's tower: tokens of the last stage, and the maps on the way, large ones at every third and fifth place. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = parseConfig(convNextConfig, golden.json.config, 'case.json')
  const w = new Weights(await caseWeights(golden)).at('vision_tower')
  const pixels = golden.io.get('input.images')!
  const stages = convNext(w, input('pixels', 'f32', pixels.shape), config)
  const values = await runOnce({ tokens: mapTokens(stages.at(-1)!) }, { pixels }, withTaps)
  const tensors = new Map<string, HostTensor>()
  for (const [name, value] of Object.entries(values)) {
    const official = name.replace('stage_', 'stage')
    const wanted = golden.io.get(`expected.${official}`)
    const isWhole = wanted?.shape.join() === value.shape.join()
    tensors.set(official, isWhole ? value : subsample(value, [1, 1, 3, official === 'stem' ? 5 : 3]))
  }
  return { tensors, checked: golden.io.size - 1 }
}
