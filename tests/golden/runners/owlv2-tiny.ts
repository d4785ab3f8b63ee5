import { requireKeys } from '../../../src/checkpoint/check.ts'
import { parseConfig } from '../../../src/checkpoint/config.ts'
import { type FoundBox, foundBoxes } from '../../../src/detectors/owlv2-boxes.ts'
import { gridSide, owlv2Config, owlv2Shapes } from '../../../src/detectors/owlv2-config.ts'
import { boxBias } from '../../../src/detectors/owlv2-heads.ts'
import { owlv2PixelConfig, owlv2Pixels } from '../../../src/detectors/owlv2-pixels.ts'
import { Owlv2Programs } from '../../../src/detectors/owlv2-programs.ts'
import { Weights } from '../../../src/graph/weights.ts'
import { asPillow, decodeImage } from '../../../src/image/decode.ts'
import type { RgbImage } from '../../../src/image/rgb-image.ts'
import type { NamedTensors } from '../../../src/runtime/engine.ts'
import { f32, type HostTensor, hostTensor, i64 } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { compareTensor, exact, toleranceOf } from '../compare.ts'
import { caseWeights, withShape, withTaps } from '../programs.ts'

/** From the picture files and the queries' ids to boxes, with what lies between; a masked query by itself. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = parseConfig(owlv2Config, golden.json.config, 'case.json')
  const checkpoint = await caseWeights(golden)
  requireKeys(new Map(Object.entries(owlv2Shapes(config))), checkpoint)
  const programs = await Owlv2Programs.compile(new Weights(checkpoint), config, withTaps)
  const tensors = new Map<string, HostTensor>()

  const images = await pictures(golden)
  const side = config.vision_config.image_size
  const pixelConfig = owlv2PixelConfig.parse({ size: { width: side, height: side } })
  const pixels = stacked(images.map((image) => owlv2Pixels(image, pixelConfig)))
  const mismatches = pixelMismatches(golden, pixels)
  const patches = await programs.encodePixels(pixels)
  const grid = gridSide(config)
  const B = images.length
  const layers = config.vision_config.num_hidden_layers
  tensors.set('vision_last_hidden', patches[`hidden_states.${layers}`]!)
  const features = patches.image_embeds!
  tensors.set('image_embeds', withShape(features, [B, grid, grid, features.shape[2]!]))
  tensors.set('box_bias', boxBias(grid))
  tensors.set('pred_boxes', patches.boxes)
  tensors.set('objectness_logits', patches.objectness)

  for (const prefix of ['', 'masked_']) {
    const ids = golden.io.get(`input.${prefix}input_ids`) as HostTensor<'i64'>
    const mask = golden.io.get(`input.${prefix}attention_mask`) as HostTensor<'i64'>
    const [R, T] = ids.shape as [number, number]
    const values = await programs.encodeQueries(ids, mask)
    const embeds = withShape(values.embeds, [B, R / B, config.projection_dim])
    const firstIds = i64(
      [B, R / B],
      Array.from({ length: R }, (_, row) => Number(ids.data[row * T])),
    )
    const compared = await programs.compare(patches, embeds, firstIds)
    const { logits } = compared
    tensors.set(`${prefix}logits`, logits)
    if (prefix !== '') continue
    tensors.set('class_embeds', compared.class_embeds!)
    tensors.set('text_hidden', hiddenStates(values, config.text_config.num_hidden_layers))
    tensors.set('text_embeds', embeds)
    for (const [name, value] of detections(golden, images, logits, patches.boxes)) tensors.set(name, value)
  }
  await programs.dispose()
  return { tensors, mismatches, checked: tensors.size }
}

/** What is found in each picture above the threshold, the median score of all patches (the lower of the two). */
function detections(
  golden: GoldenCase,
  images: readonly RgbImage[],
  logits: HostTensor<'f32'>,
  boxes: HostTensor<'f32'>,
): Map<string, HostTensor> {
  const tensors = new Map<string, HostTensor>()
  const [, N, Q] = logits.shape as [number, number, number]
  const find = (b: number, threshold: number): FoundBox[] => {
    const { width, height } = images[b]!
    return foundBoxes(rowOf(logits, b, [N, Q]), rowOf(boxes, b, [N, 4]), Math.max(width, height), threshold)
  }
  const all = images.flatMap((_, b) => find(b, -1).map(({ score }) => score)).sort((x, y) => x - y)
  tensors.set('threshold', f32([1], [all[Math.ceil(all.length / 2) - 1]!]))
  const threshold = Number(golden.io.get('expected.threshold')!.data[0])
  for (const b of images.keys()) {
    const expected = golden.io.get(`expected.det_scores${b}`) as HostTensor<'f32'>
    const found = settled(expected, threshold, (from) => find(b, from))
    const n = found.length
    const corners = found.flatMap(({ box }) => box)
    tensors.set(`det_boxes${b}`, f32([n, 4], corners))
    tensors.set(`det_boxes_int${b}`, i64([n, 4], corners.map(Math.trunc)))
    tensors.set(
      `det_labels${b}`,
      i64(
        [n],
        Array.from(found, ({ query }) => query),
      ),
    )
    tensors.set(
      `det_scores${b}`,
      f32(
        [n],
        Array.from(found, ({ score }) => score),
      ),
    )
  }
  return tensors
}

/** The pictures that the description of the inputs names: `image0.png,image1.png`. */
async function pictures(golden: GoldenCase): Promise<RgbImage[]> {
  const names = Object.keys(golden.json.inputs)
    .flatMap((key) => key.split(','))
    .filter((name) => name.endsWith('.png'))
  return Promise.all(names.map(async (name) => (await decodeImage(golden.file(name), asPillow)).image))
}

/** Our pixels against those that the case was recorded with. */
function pixelMismatches(golden: GoldenCase, pixels: HostTensor): string[] {
  const tolerance = toleranceOf(golden.json.tolerance, 'pixel_values') ?? exact
  const { problem } = compareTensor(pixels, golden.io.get('input.pixel_values')!, tolerance)
  return problem ? [`pixel_values: ${problem}`] : []
}

/** [1, ...] each → [B, ...]. */
function stacked(rows: readonly HostTensor<'f32'>[]): HostTensor<'f32'> {
  const [, ...rest] = rows[0]!.shape
  const data = new Float32Array(rows.length * rows[0]!.data.length)
  for (const [i, row] of rows.entries()) data.set(row.data, i * row.data.length)
  return hostTensor('f32', [rows.length, ...rest], data)
}

/**
 * What is found above the threshold. It is the median score, so one patch lies on it, and the case leaves open on
 * which side those within 1e-5 of it come out: as many of them are kept as the reference kept.
 */
function settled(
  scores: HostTensor<'f32'>,
  threshold: number,
  find: (threshold: number) => FoundBox[],
): FoundBox[] {
  const isClose = (score: number): boolean => Math.abs(score - threshold) <= 1e-5
  const found = find(threshold - 1e-5)
  const close = found.filter(({ score }) => isClose(score)).sort((a, b) => b.score - a.score)
  const dropped = new Set(close.slice(scores.data.filter(isClose).length))
  return found.filter((box) => !dropped.has(box))
}

/** Row `b` of a batch. */
function rowOf({ data }: HostTensor<'f32'>, b: number, shape: readonly number[]): HostTensor<'f32'> {
  const size = shape.reduce((product, length) => product * length, 1)
  return hostTensor('f32', shape, data.slice(b * size, (b + 1) * size))
}

/** All hidden states of the text tower, [layers + 1, R, T, t]. */
function hiddenStates(values: NamedTensors, layers: number): HostTensor<'f32'> {
  const states = Array.from(
    { length: layers + 1 },
    (_, i) => values[`hidden_states.${i}`] as HostTensor<'f32'>,
  )
  return stacked(states.map((state) => withShape(state, [1, ...state.shape])))
}
