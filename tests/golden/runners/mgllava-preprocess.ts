import { readFile } from 'node:fs/promises'
import { recordBoxes } from '../../../src/detectors/box-file.ts'
import type { Box } from '../../../src/image/boxes.ts'
import { asPillow, decodeImage } from '../../../src/image/decode.ts'
import type { Normalisation } from '../../../src/image/normalise.ts'
import type { RgbImage } from '../../../src/image/rgb-image.ts'
import { distinctBoxes, type MgLlavaBoxOptions, mgLlavaBoxes } from '../../../src/systems/mgllava-boxes.ts'
import { type MgLlavaPixelOptions, mgLlavaPixels } from '../../../src/systems/mgllava-pixels.ts'
import { f32, type HostTensor } from '../../../src/tensor/tensor.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'
import { cropOf, deviation, everyNth, mean, overCells } from '../pixel-samples.ts'

interface Config {
  readonly image_size_aux: number
  readonly image_size_low: number
  readonly iou_threshold: number
  readonly image_mean: Normalisation['mean']
  readonly image_std: Normalisation['std']
}

interface Scenario {
  readonly scenario: number
  readonly boxes: string
  readonly image: string
  readonly pad_image_to_square: boolean
  readonly limit_num: number | null
  readonly limit_mode: MgLlavaBoxOptions['limitMode']
  readonly labels_after_nms: readonly string[]
  readonly labels_out: readonly string[]
}

/** Boxes and labels of every scenario; samples, means and deviations of both encoders' pixels for every picture. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const config = golden.json.config as unknown as Config
  const records = JSON.parse(await readFile(golden.file('boxes.json'), 'utf8')) as { readonly id: string }[]
  const scenarios = golden.json.inputs.scenarios as unknown as readonly Scenario[]
  const tensors = new Map<string, HostTensor>()
  const mismatches: string[] = []
  const pictures = new Map<string, RgbImage>()
  for (const scenario of scenarios) {
    const image =
      pictures.get(scenario.image) ?? (await decodeImage(golden.file(scenario.image), asPillow)).image
    pictures.set(scenario.image, image)
    const boxes = recordBoxes(records.find(({ id }) => id === scenario.boxes))
    const options: MgLlavaBoxOptions = {
      padsToSquare: scenario.pad_image_to_square,
      pictureSide: config.image_size_aux,
      iouThreshold: config.iou_threshold,
      limit: scenario.limit_num,
      limitMode: scenario.limit_mode,
    }
    const k = scenario.scenario
    const distinct = distinctBoxes(boxes, image, options)
    tensors.set(`nms_boxes${k}`, boxTensor(distinct.map(({ box }) => box)))
    tensors.set(
      `nms_scores${k}`,
      f32(
        [distinct.length],
        distinct.map(({ score }) => score!),
      ),
    )
    const seen = mgLlavaBoxes(boxes, image, options)
    tensors.set(`gt_boxes${k}`, boxTensor(seen.boxes))
    // The chat code resized the picture by mistake, but not its boxes.
    tensors.set(`chat_gt_boxes${k}`, boxTensor(seen.boxes))
    const labels = distinct.map(({ label }) => label)
    if (labels.join('|') !== scenario.labels_after_nms.join('|'))
      mismatches.push(`labels_after_nms ${k}: ${labels}`)
    if (seen.labels.join('|') !== scenario.labels_out.join('|'))
      mismatches.push(`labels_out ${k}: ${seen.labels}`)
  }
  for (const [file, image] of pictures) samplePixels(golden, tensors, image, /\d+/.exec(file)![0])
  const checked = [...golden.io.keys()].filter((name) => name.startsWith('expected.')).length
  return { tensors, mismatches, checked: checked + 2 * scenarios.length }
}

function boxTensor(boxes: readonly Box[]): HostTensor {
  return f32([boxes.length, 4], boxes.flat())
}

function samplePixels(
  golden: GoldenCase,
  tensors: Map<string, HostTensor>,
  image: RgbImage,
  number: string,
): void {
  const config = golden.json.config as unknown as Config
  const sides = { highSide: config.image_size_aux, lowSide: config.image_size_low }
  const normalisation = { mean: config.image_mean, std: config.image_std }
  const modes: Record<string, MgLlavaPixelOptions> = {
    _pad: { ...sides, normalisation, padsToSquare: true },
    _crop: { ...sides, normalisation, padsToSquare: false },
    chat: { ...sides, normalisation, padsToSquare: true, isChatQuirk: true },
  }
  for (const [mode, options] of Object.entries(modes)) {
    const wants = (encoder: string): string => (mode === 'chat' ? `chat_${encoder}` : `${encoder}${mode}`)
    const isWanted = [...golden.io.keys()].some(
      (name) => name.startsWith(`expected.${wants('aux')}_`) && name.endsWith(number),
    )
    if (!isWanted) continue
    const { high, low } = mgLlavaPixels(image, options)
    for (const [encoder, pixels, corner] of [
      ['aux', high, { row: 380, column: 300 }],
      ['low', low, { row: 166, column: 130 }],
    ] as const) {
      const give = (name: string, make: (wanted: readonly number[]) => HostTensor): void => {
        const full = `${wants(encoder)}_${name}${number}`
        const wanted = golden.io.get(`expected.${full}`)
        if (wanted) tensors.set(full, make(wanted.shape))
      }
      give('sub', (shape) => everyNth(pixels, shape))
      give('tilemean', (shape) => overCells(pixels, shape, mean))
      give('tilestd', (shape) => overCells(pixels, shape, deviation))
      give('crop', (shape) => cropOf(pixels, shape, corner))
    }
  }
}
