import { parseConfig } from '../../../src/checkpoint/config.ts'
import { convNext, stagesAtOneSize } from '../../../src/encoders/convnext.ts'
import { convNextConfig } from '../../../src/encoders/convnext-config.ts'
import { miniGeminiHd } from '../../../src/fusion/mini-gemini.ts'
import { patchInfoMining } from '../../../src/fusion/patch-info-mining.ts'
import { reshape } from '../../../src/graph/ops/index.ts'
import { input, type Tensor, tap } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { mlpProjector } from '../../../src/projectors/mlp.ts'
import type { HostTensor } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, runOnce, withTaps } from '../programs.ts'
import { subsample } from '../subsample.ts'

interface Config {
  readonly convnext: unknown
  readonly hd: { readonly image_grid: number }
}

/** Mini-Gemini's map, mining and projector for a plain picture, and for one in a grid with a view of the whole. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const { convnext, hd } = golden.json.config as unknown as Config
  const config = parseConfig(convNextConfig, convnext, 'case.json')
  const w = new Weights(await caseWeights(golden)).at('model')
  const tensors = new Map<string, HostTensor>()
  for (const [prefix, grid] of [
    ['', 1],
    ['hd.', hd.image_grid],
  ] as const) {
    const [clip, pixels] = [
      golden.io.get(`input.${prefix}clip`)!,
      golden.io.get(`input.${prefix}aux_pixels`)!,
    ]
    const stages = convNext(w.at('vision_tower_aux'), input('pixels', 'f32', pixels.shape), config)
    const map = tap('aux_features', stagesAtOneSize(stages))
    const low = input('clip', 'f32', clip.shape)
    const [B] = pixels.shape as [number]
    const views = (): Tensor => reshape(low, [B, grid * grid + 1, ...clip.shape.slice(1)])
    const fused = grid === 1 ? patchInfoMining(w, low, map) : miniGeminiHd(w, views(), map, grid)
    const values = await runOnce(
      { tokens: mlpProjector(w.at('mm_projector'), fused) },
      { clip, pixels },
      withTaps,
    )
    tensors.set(`${prefix}tokens`, values.tokens!)
    tensors.set(`${prefix}mined`, values['fusion.mined']!)
    tensors.set(`${prefix}aux_features_sub`, subsample(values.aux_features!, [1, 1, 3, 5]))
  }
  return { tensors, checked: [...golden.io.keys()].filter((name) => name.startsWith('expected.')).length }
}
