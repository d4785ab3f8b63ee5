import { parseConfig } from '../../../src/checkpoint/config.ts'
import { uniclImageFeatures, uniclScale, uniclTextFeatures } from '../../../src/encoders/unicl.ts'
import { uniclConfig } from '../../../src/encoders/unicl-config.ts'
import { gradients } from '../../../src/graph/gradient.ts'
import { constant, input, type Tensor } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { f32, type HostTensor, i64 } from '../../../src/tensor/tensor.ts'
import { adamW } from '../../../src/train/optimizer.ts'
import { TrainingStep } from '../../../src/train/step.ts'
import {
  contrastiveTargets,
  halvedSum,
  unifiedContrastiveLoss,
} from '../../../src/train/unified-contrastive-loss.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, onCpu, rowsOf, runOnce, withShape } from '../programs.ts'

/** Features, loss and gradients, then one training step by the case's recipe and the loss behind it. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = parseConfig(uniclConfig, golden.json.config, 'case.json')
  const checkpoint = await caseWeights(golden)
  const image = golden.io.get('input.image')!
  const ids = i64(golden.io.get('input.input_ids')!.shape, rowsOf(golden.io.get('input.input_ids')!).flat())
  const targets = constant(contrastiveTargets(rowsOf(golden.io.get('input.labels')!).flat()))
  const pixels = input('image', 'f32', image.shape)
  const tokens = input('ids', 'i64', ids.shape)
  const forward = (w: Weights) => {
    const images = uniclImageFeatures(w, pixels, config)
    const texts = uniclTextFeatures(w, tokens, config)
    return { images, texts, ...unifiedContrastiveLoss(images, texts, uniclScale(w), targets) }
  }

  const w = new Weights(checkpoint)
  const traced = forward(w)
  const loss = halvedSum(traced)
  const trained = [...golden.io.keys()].flatMap((name) => /^expected\.grad\.(.+)$/.exec(name)?.[1] ?? [])
  const slopes = gradients(
    loss,
    trained.map((key) => w.get(key)),
  )
  const outputs: Record<string, Tensor> = {
    image_features: traced.images,
    text_features: traced.texts,
    logits: traced.logits,
    loss,
  }
  for (const [i, key] of trained.entries()) outputs[`grad.${key}`] = slopes[i]!
  const tensors = new Map(Object.entries(await runOnce(outputs, { image, ids })))

  const { rate, decay, clip } = recipeOf(golden)
  const step = await TrainingStep.compile(checkpoint, (weights) => halvedSum(forward(weights)), {
    groups: [{ match: '*', weightDecay: decay }],
    optimizer: adamW(),
    maxNorm: clip,
    compile: onCpu,
  })
  const { gradientNorm } = await step.run([{ image, ids }], rate)
  tensors.set('grad_norm', f32([1], [gradientNorm]))
  for (const key of trained) tensors.set(`after_step.${key}`, settled(golden, key, step.state.get(key)!))
  // The loss that a second step finds is that behind the first.
  tensors.set('after_step.loss', f32([1], [(await step.run([{ image, ids }], rate)).loss]))
  await step.dispose()
  for (const [name, value] of tensors) if (value.shape.length === 0) tensors.set(name, withShape(value, [1]))
  return { tensors, checked: tensors.size }
}

/**
 * A weight after the step. As the case's notes say, Adam makes steps of about lr of gradients next to zero, whatever
 * their sign: where the case leaves an entry open, a value within what it allows counts as the expected one.
 */
function settled({ io, json }: GoldenCase, key: string, value: HostTensor<'f32'>): HostTensor<'f32'> {
  const { notes = '' } = json as { notes?: string }
  const [, small, most] = (/below ([\d.e-]+) may differ by up to ([\d.e-]+)/.exec(notes) ?? []).map(Number)
  if (small === undefined || most === undefined) return value
  const gradient = io.get(`expected.grad.${key}`)!.data as Float32Array
  const expected = io.get(`expected.after_step.${key}`)!.data as Float32Array
  const isOpen = (x: number, i: number): boolean =>
    Math.abs(gradient[i]!) < small && Math.abs(x - expected[i]!) <= most
  return { ...value, data: value.data.map((x, i) => (isOpen(x, i) ? expected[i]! : x)) }
}

/** `AdamW lr 1e-3, decay 0.1 on tensors with more than one dimension, clip 5`, as the case describes its step. */
function recipeOf(golden: GoldenCase): { rate: number; decay: number; clip: number } {
  const found = /lr ([\d.e-]+), decay ([\d.]+).*, clip ([\d.]+)/.exec(
    golden.json.expected['after_step.loss']!,
  )
  if (!found) throw new Error('case.json does not say how the step is taken')
  const [, rate, decay, clip] = found.map(Number) as [number, number, number, number]
  return { rate, decay, clip }
}
