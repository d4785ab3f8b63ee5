import { parseConfig } from '../../../src/checkpoint/config.ts'
import { convNext, convNextEmbedding, stagesAtOneSize } from '../../../src/encoders/convnext.ts'
import { convNextConfig } from '../../../src/encoders/convnext-config.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import type { HostTensor } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, runOnce, withTaps } from '../programs.ts'
import { subsample } from '../subsample.ts'

/** Stages, their concatenation and the embedding of an open_clip tower, for a picture and one of odd size. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = parseConfig(convNextConfig, golden.json.config, 'case.json')
  const visual = new Weights(await caseWeights(golden)).at('visual')
  const tensors = new Map<string, HostTensor>()
  for (const [given, prefix] of [
    ['pixels', ''],
    ['pixels_odd', 'odd_'],
  ] as const) {
    const pixels = golden.io.get(`input.${given}`)!
    const stages = convNext(visual.at('trunk'), input('pixels', 'f32', pixels.shape), config)
    const outputs = {
      concat: stagesAtOneSize(stages),
      embedding: convNextEmbedding(visual, stages.at(-1)!, config),
    }
    const { concat, ...values } = await runOnce(outputs, { pixels }, withTaps)
    for (const [name, value] of Object.entries(values)) tensors.set(`${prefix}${name}`, value)
    // Only the step of the first is written down; the odd picture's is the smallest that gives its shape.
    const wanted = golden.io.get(`expected.${prefix}concat_sub`)?.shape[2]
    const step = [2, 3, 4, 5].find((n) => Math.ceil(concat!.shape[2]! / n) === wanted)
    tensors.set(`${prefix}concat_sub`, subsample(concat!, [1, 1, step ?? 2, step ?? 2]))
  }
  return { tensors, checked: expectedCount(golden) }
}

function expectedCount({ io }: GoldenCase): number {
  return [...io.keys()].filter((name) => name.startsWith('expected.')).length
}
