import { internVit } from '../../../src/encoders/internvit.ts'
import { reshape, slice } from '../../../src/graph/ops/index.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { pixelShuffle } from '../../../src/projectors/internvl.ts'
import { internVlConfig } from '../../../src/systems/internvl-config.ts'
import { internVlVision } from '../../../src/systems/internvl-vision.ts'
import type { HostTensor } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, runOnce, withTaps } from '../programs.ts'

/** Every version and selected layer of the projector, and pixel shuffle alone at other ratios. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const checkpoint = await caseWeights(golden)
  const pixels = golden.io.get('input.pixel_values')!
  const base = { ...golden.json.config, llm_config: { architectures: ['none'] }, template: 'internlm2-chat' }
  const tensors = new Map<string, HostTensor>()
  for (const name of golden.io.keys()) {
    const found = /^expected\.(v[12])\.(?:select(-?\d+)\.features|(?:ratio([\d.]+)\.)?(shuffled))$/.exec(name)
    if (!found) continue
    const [, version, layer, ratio] = found
    const config = internVlConfig.parse({
      ...base,
      ps_version: version,
      ...(layer && { select_layer: Number(layer) }),
      ...(ratio && { downsample_ratio: Number(ratio) }),
    })
    const w = new Weights(checkpoint)
    const x = input('pixels', 'f32', pixels.shape)
    if (layer !== undefined) {
      const values = await runOnce({ features: internVlVision(w, x, config) }, { pixels }, withTaps)
      if (values.vit_last) tensors.set('vit_last', values.vit_last)
      tensors.set(name.slice(9), values.features!)
      continue
    }
    const last = internVit(w.at('vision_model'), x, config.vision_config).hiddenStates.at(-1)!
    const [tiles, tokens, width] = last.shape as [number, number, number]
    const side = Math.sqrt(tokens - 1)
    const patches = reshape(slice(last, 1, 1, tokens), [tiles, side, side, width])
    const { shuffled } = await runOnce({ shuffled: pixelShuffle(patches, config) }, { pixels })
    tensors.set(name.slice(9), shuffled!)
  }
  return { tensors, checked: tensors.size }
}
