import { memorySource } from '../../../src/checkpoint/memory.ts'
import type { RamConfig } from '../../../src/detectors/ram-config.ts'
import { tagListFile, thresholdFile } from '../../../src/detectors/tag-list.ts'
import { detectionQuery, tagWords } from '../../../src/detectors/tag-prompts.ts'
import { openTagger, ramPixels, type Tagger, type TagResult } from '../../../src/detectors/tagger.ts'
import { gradients } from '../../../src/graph/gradient.ts'
import { add } from '../../../src/graph/ops/index.ts'
import { input } from '../../../src/graph/tensor.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { asPillow, decodeImage } from '../../../src/image/decode.ts'
import type { RgbImage } from '../../../src/image/rgb-image.ts'
import { type HostTensor, hostTensor, zeros } from '../../../src/tensor/tensor.ts'
import { ramLosses } from '../../../src/train/ram-training.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { caseWeights, onCpu, runOnce, withShape, withTaps } from '../programs.ts'

/** The tagger as a caller has it, on each picture; then taps, losses and gradients of all pictures together. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const tagger = await caseTagger(golden)
  const images: RgbImage[] = []
  for (const name of imageNames(golden)) images.push((await decodeImage(golden.file(name), asPillow)).image)
  const results: TagResult[] = []
  for (const image of images) results.push(await tagger.tag(image))
  await tagger.dispose()

  const pixels = stack(images.map((image) => ramPixels(image, tagger.config)))
  const tensors = new Map([
    ...pixelTensors(golden, pixels),
    ...(await trainingTensors(golden, pixels, tagger.config)),
    ...scoreTensors(results),
  ])
  const words = results.map((result) => tagWords(result.text))
  const found = {
    tags: results.map((result) => result.text),
    mgllava_tags: words,
    owl_prompts: words.map((list) => list.map(detectionQuery)),
  }
  const mismatches = Object.entries(found).flatMap(([name, value]) => {
    const [actual, expected] = [JSON.stringify(value), JSON.stringify(golden.json.expected[name])]
    return actual === expected ? [] : [`${name}: ${actual}, expected ${expected}`]
  })
  return { tensors, mismatches, checked: tensors.size + Object.keys(found).length }
}

/** The case's tagger, its tag lists in the files that people have beside a checkpoint. */
async function caseTagger(golden: GoldenCase): Promise<Tagger> {
  const { tags, thresholds } = golden.json.config as { tags: string[]; thresholds: number[] }
  const lines = (values: readonly (string | number)[]) => new TextEncoder().encode(`${values.join('\n')}\n`)
  const lists = new Map([
    [tagListFile, lines(tags)],
    [thresholdFile, lines(thresholds)],
  ])
  const source = memorySource(golden.folder, lists)
  const checkpoint = await caseWeights(golden)
  return openTagger({ source, checkpoint, config: golden.json.config }, { compile: onCpu })
}

/** The files that the key of the inputs lists: `image0.png,image1.png`. */
function imageNames(golden: GoldenCase): string[] {
  const names = Object.keys(golden.json.inputs).flatMap((key) => key.split(','))
  return names.filter((name) => /\.(png|jpe?g)$/.test(name))
}

function stack(parts: readonly HostTensor<'f32'>[]): HostTensor<'f32'> {
  const [first] = parts as [HostTensor<'f32'>]
  const stacked = zeros('f32', [parts.length, ...first.shape.slice(1)])
  parts.forEach((part, i) => {
    stacked.data.set(part.data, i * first.data.length)
  })
  return stacked
}

function scoreTensors(results: readonly TagResult[]): Map<string, HostTensor> {
  const all = results.flatMap((result) => result.scores)
  const shape = [results.length, all.length / results.length]
  const scores = Float32Array.from(all, ({ score }) => score)
  const mask = Uint8Array.from(all, ({ score, threshold }) => Number(score > threshold))
  return new Map<string, HostTensor>([
    ['probs', hostTensor('f32', shape, scores)],
    ['tag_mask', hostTensor('u8', shape, mask)],
  ])
}

/** Every n-th pixel, and mean and deviation of the squares, as the shapes of the expected tensors tell. */
function pixelTensors({ io }: GoldenCase, pixels: HostTensor<'f32'>): Map<string, HostTensor> {
  const [B, C, S] = pixels.shape as [number, number, number]
  const step = S / io.get('expected.pixels_sub')!.shape[2]!
  const count = io.get('expected.pixels_tilemean')!.shape[2]!
  const side = S / count
  const mean = zeros('f32', [B, C, count, count])
  const std = zeros('f32', [B, C, count, count])
  for (let i = 0; i < mean.data.length; i++) {
    const corner = Math.floor(i / count ** 2) * S * S + (Math.floor(i / count) % count) * side * S
    const values = Array.from(
      { length: side * side },
      (_, k) => pixels.data[corner + (i % count) * side + Math.floor(k / side) * S + (k % side)]!,
    )
    const average = values.reduce((sum, value) => sum + value, 0) / values.length
    mean.data[i] = average
    std.data[i] = Math.sqrt(values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length)
  }
  return new Map<string, HostTensor>([
    ['pixels_sub', every(every(pixels, 2, step), 3, step)],
    ['pixels_tilemean', mean],
    ['pixels_tilestd', std],
  ])
}

async function trainingTensors(
  golden: GoldenCase,
  pixels: HostTensor<'f32'>,
  config: RamConfig,
): Promise<Map<string, HostTensor>> {
  const { io } = golden
  const w = new Weights(await caseWeights(golden))
  const feeds = {
    pixels,
    targets: io.get('input.train_targets')!,
    clipFeatures: io.get('input.train_clip_feature')!,
    captions: io.get('input.train_text_embed')!,
  }
  const leaf = (name: keyof typeof feeds) => input(name, 'f32', feeds[name].shape)
  const batch = {
    pixels: leaf('pixels'),
    targets: leaf('targets'),
    clipFeatures: leaf('clipFeatures'),
    captions: leaf('captions'),
  }
  const { logits, tagging, distillation, alignment } = ramLosses(w, batch, config)
  const trained = [...io.keys()].flatMap((name) => /^expected\.grad\.(.+)$/.exec(name)?.[1] ?? [])
  const slopes = gradients(
    add(add(tagging, distillation), alignment),
    trained.map((key) => w.get(key)),
  )
  const losses = { loss_tag: tagging, loss_dis: distillation, loss_alignment: alignment }
  const grads = Object.fromEntries(trained.map((key, i) => [`grad.${key}`, slopes[i]!]))
  const values = await runOnce({ logits, ...losses, ...grads }, feeds, withTaps)
  const tensors = new Map(Object.entries(values))
  for (const name of Object.keys(losses)) tensors.set(name, withShape(values[name]!, [1]))
  tensors.set('swin_layer0_sub', every(values['layers.0']!, 1, stepOf(golden, 'swin_layer0_sub')))
  tensors.set('image_embeds_sub', every(values.image_embeds!, 2, stepOf(golden, 'image_embeds_sub')))
  return tensors
}

/** The step of a tensor that is described as `every 7th token`. */
function stepOf(golden: GoldenCase, name: string): number {
  const found = /every (\d+)/.exec(golden.json.expected[name] ?? '')
  if (!found) throw new Error(`case.json does not say which elements ${name} holds`)
  return Number(found[1])
}

/** The first and every `step`-th element after it along an axis. */
function every(x: HostTensor, axis: number, step: number): HostTensor<'f32'> {
  const size = x.shape[axis]!
  const inner = x.shape.slice(axis + 1).reduce((a, b) => a * b, 1)
  const kept = Array.from(x.data as Float32Array).filter(
    (_, i) => (Math.floor(i / inner) % size) % step === 0,
  )
  return hostTensor('f32', x.shape.with(axis, Math.ceil(size / step)), Float32Array.from(kept))
}
