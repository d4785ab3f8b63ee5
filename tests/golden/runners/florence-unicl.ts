import { parseConfig } from '../../../src/checkpoint/config.ts'
import { uniclImageFeatures, uniclScale, uniclTextFeatures } from '../../../src/encoders/unicl.ts'
import { uniclConfig } from '../../../src/encoders/unicl-config.ts'
import { gradients } from '../../../src/graph/gradient.ts'
import { add } from '../../../src/graph/ops/index.ts'
import { constant, input, type Tensor } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { type HostTensor, hostTensor, i64 } from '../../../src/tensor/tensor.ts'
import {
  captionLabels,
  contrastiveTargets,
  halvedSum,
  unifiedContrastiveLoss,
} from '../../../src/train/unified-contrastive-loss.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, rowsOf, runOnce, withShape, withTaps } from '../programs.ts'

/** Both towers with their taps, the loss over the case's labels and over distinct ones, gradients of the sum. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = parseConfig(uniclConfig, golden.json.config, 'case.json')
  const w = new Weights(await caseWeights(golden))
  const image = golden.io.get('input.image')!
  const ids = i64(golden.io.get('input.input_ids')!.shape, rowsOf(golden.io.get('input.input_ids')!).flat())
  const labels = rowsOf(golden.io.get('input.labels')!).flat()
  const targets = contrastiveTargets(labels)

  const images = uniclImageFeatures(w, input('image', 'f32', image.shape), config)
  const texts = uniclTextFeatures(w, input('ids', 'i64', ids.shape), config)
  const tau = uniclScale(w)
  const losses = unifiedContrastiveLoss(images, texts, tau, constant(targets))
  const distinct = constant(contrastiveTargets(labels.map(() => 0)))
  const total = add(losses.imageToText, losses.textToImage)
  const trained = [...golden.io.keys()].flatMap((name) => /^expected\.grad\.(.+)$/.exec(name)?.[1] ?? [])
  const slopes = gradients(
    total,
    trained.map((key) => w.get(key)),
  )
  const outputs: Record<string, Tensor> = {
    image_features: images,
    text_features: texts,
    logits: losses.logits,
    'loss.i2t': losses.imageToText,
    'loss.t2i': losses.textToImage,
    'loss.total': total,
    'loss.clip_equivalent': halvedSum(unifiedContrastiveLoss(images, texts, tau, distinct)),
  }
  for (const [i, key] of trained.entries()) outputs[`grad.${key}`] = slopes[i]!
  const values = await runOnce(outputs, { image, ids }, withTaps)

  const tensors = new Map<string, HostTensor>([['targets', targets]])
  for (const [name, value] of Object.entries(values)) {
    const expected = golden.io.get(`expected.${caseName(name)}`)
    if (expected) tensors.set(caseName(name), firstRows(value, expected.shape))
  }
  return { tensors, mismatches: captionMismatches(golden), checked: tensors.size + 1 }
}

/** The case's name of a tap: `layers.0.blocks.1` is `image.stage0.block1_shifted`. */
function caseName(name: string): string {
  if (name === 'patch_embed') return 'image.patch_embed'
  const [, stage, block] = /^layers\.(\d+)(?:\.blocks\.(\d+))?$/.exec(name) ?? []
  if (stage === undefined) return name
  if (block === undefined) return `image.stage${stage}`
  return `image.stage${stage}.block${block}${Number(block) % 2 === 1 ? '_shifted' : ''}`
}

/** A tap's first samples, as many as the case holds; a scalar as a vector of one. */
function firstRows(value: HostTensor, shape: readonly number[]): HostTensor {
  if (value.shape.length === 0) return withShape(value, [1])
  const size = (value.data.length / value.shape[0]!) * shape[0]!
  return hostTensor('f32', [shape[0]!, ...value.shape.slice(1)], (value.data as Float32Array).slice(0, size))
}

function captionMismatches(golden: GoldenCase): string[] {
  const { caption_hash: table } = golden.json as unknown as {
    caption_hash: { captions: string[]; labels: number[] }
  }
  const found = captionLabels(table.captions).join()
  return found === table.labels.join() ? [] : [`caption labels: ${found}, expected ${table.labels}`]
}
