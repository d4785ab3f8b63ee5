import { parseConfig } from '../../../src/checkpoint/config.ts'
import { mapOfTokens } from '../../../src/encoders/conv-embed.ts'
import { coswin } from '../../../src/encoders/coswin.ts'
import { coswinConfig } from '../../../src/encoders/coswin-config.ts'
import { gradients } from '../../../src/graph/gradient.ts'
import { mul, slice, sum } from '../../../src/graph/ops/index.ts'
import { constant, input, type Tensor } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { f32, type HostTensor } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, runOnce, withTaps } from '../programs.ts'

/** Every stage, the pooled feature, and gradients of Σ pooled · linspace(−1, 1, C). Stages are called by 2 + s. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = parseConfig(coswinConfig, golden.json.config, 'case.json')
  const w = new Weights(await caseWeights(golden))
  const image = golden.io.get('input.image')!
  const { embedded, stages, pooled } = coswin(w, input('image', 'f32', image.shape), config)
  const C = pooled.shape[1] as number
  const ramp = constant(
    f32(
      [C],
      Array.from({ length: C }, (_, c) => -1 + (2 * c) / (C - 1)),
    ),
  )
  const trained = [...golden.io.keys()].flatMap((name) => /^expected\.grad\.(.+)$/.exec(name)?.[1] ?? [])
  const slopes = gradients(
    sum(mul(pooled, ramp)),
    trained.map((key) => w.get(key)),
  )
  const outputs: Record<string, Tensor> = { pooled, patch_embed: slice(mapOfTokens(embedded), 0, 0, 1) }
  for (const [s, stage] of stages.entries()) outputs[`stage${s + 2}`] = mapOfTokens(stage)
  for (const [i, key] of trained.entries()) outputs[`grad.${key}`] = slopes[i]!
  const values = await runOnce(outputs, { image }, withTaps)

  const tensors = new Map<string, HostTensor>()
  for (const [name, value] of Object.entries(values)) {
    const block = /^layers\.(\d+)\.blocks\.(\d+)$/.exec(name)
    if (block) tensors.set(`stage${Number(block[1]) + 2}.block${block[2]}`, firstRow(value))
    else if (name.startsWith('downsample.')) tensors.set(name.replace('.', ''), firstRow(value))
    else tensors.set(name, value)
  }
  return { tensors, checked: tensors.size }
}

/** The first picture's values. */
function firstRow({ dtype, shape, data }: HostTensor): HostTensor {
  const row = (data as Float32Array).slice(0, data.length / shape[0]!)
  return { dtype, shape: [1, ...shape.slice(1)], data: row }
}
