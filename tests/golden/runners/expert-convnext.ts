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

/** Eagle's tower at every given size: tokens of the last stage, maps on the way. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const { convnext, ...rest } = golden.json.config
  const config = parseConfig(convNextConfig, { ...rest, ...(convnext as object) }, 'case.json')
  const w = new Weights(await caseWeights(golden)).at('vision_tower')
  const tensors = new Map<string, HostTensor>()
  let checked = 0
  for (const [given, pixels] of golden.io) {
    if (!given.startsWith('input.')) {
      checked++
      continue
    }
    const name = given.slice(6)
    const stages = convNext(w, input('pixels', 'f32', pixels.shape), config)
    // The official list begins with the stem.
    const tokens = stages.map((stage, s) => [`all_stages_tokens_${s + 1}`, mapTokens(stage)])
    const values = await runOnce(
      { features: mapTokens(stages.at(-1)!), ...Object.fromEntries(tokens) },
      { pixels },
      withTaps,
    )
    for (const [tap, value] of Object.entries(values)) {
      const official = tap.replace('stage_', 'stage').replace('block_', 'block')
      tensors.set(`${name}.${official}`, value)
      if (value.shape.length === 4) tensors.set(`${name}.${official}_sub`, subsample(value, [1, 1, 3, 5]))
    }
  }
  return { tensors, checked }
}
