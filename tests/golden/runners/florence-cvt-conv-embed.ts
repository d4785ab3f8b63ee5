import { convEmbed, mapOfTokens } from '../../../src/encoders/conv-embed.ts'
import { input, type Tensor } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, runOnce } from '../programs.ts'

interface ConvEmbedCase {
  readonly PATCH_STRIDE: readonly number[]
  readonly PATCH_PADDING: readonly number[]
}

/** The embeddings one after the other, each as a map. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const { PATCH_STRIDE: strides, PATCH_PADDING: paddings } = golden.json.config as unknown as ConvEmbedCase
  const w = new Weights(await caseWeights(golden))
  const image = golden.io.get('input.image')!
  let map = input('image', 'f32', image.shape)
  const outputs: Record<string, Tensor> = {}
  for (const [s, stride] of strides.entries()) {
    map = mapOfTokens(convEmbed(w.at(`stage${s}.patch_embed`), map, { stride, padding: paddings[s]! }))
    outputs[`stage${s}`] = map
  }
  const tensors = new Map(Object.entries(await runOnce(outputs, { image })))
  return { tensors, checked: tensors.size }
}
