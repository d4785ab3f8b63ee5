import { type Dim, mulDims } from '../graph/dim.ts'
import { concat, reshape } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import type { MgLlavaParts } from '../systems/mgllava-config.ts'
import type { MgLlavaView } from '../systems/mgllava-prepare.ts'
import { mgLlavaFeeds, mgLlavaInputs, mgLlavaVision } from '../systems/mgllava-vision.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import { IMAGE_ID } from '../text/image-ids.ts'
import { IGNORED } from '../text/labels.ts'
import type { LlavaSample } from '../text/llava-labels.ts'
import { joinTiles } from './collate.ts'
import type { ParameterGroup } from './groups.ts'
import { type VisualBatch, visualFeeds, visualLoss } from './visual-loss.ts'

/** A labelled text with the pictures or frames that it is about. */
export interface MgLlavaTrainingSample extends Pick<LlavaSample, 'inputIds' | 'labels'> {
  /** Of a text without pictures one blank view, which nothing refers to. */
  readonly views: readonly Pick<MgLlavaView, 'objects' | 'pixels'>[]
}

/**
 * The two stages: fusion and projectors first, then the language model with them. The vision encoders are never
 * trained. Source: MG-LLaVA's configurations; golden case `mgllava-tiny-image`.
 */
export const mgLlavaStages = {
  1: [{ match: ['fuse_module.*', 'projector.*', 'bbox_projector.*'] }],
  2: [{ match: ['fuse_module.*', 'projector.*', 'bbox_projector.*', 'llm.*'] }],
} as const satisfies Record<number, readonly ParameterGroup[]>

/**
 * The training loss of MG-LLaVA, one graph from both pictures and the boxes to a scalar. Golden case
 * `mgllava-tiny-image`.
 */
export function mgLlavaLoss(w: Weights, parts: MgLlavaParts): Tensor {
  const { tokens, objects } = mgLlavaVision(w, mgLlavaInputs(parts), parts)
  const width = parts.decoder.hiddenSize
  const flat = (x: Tensor): Tensor => reshape(x, [mulDims(x.shape[0] as Dim, x.shape[1] as Dim), width])
  // Rows of all pictures' tokens, then of all pictures' objects.
  return visualLoss(w.at('llm'), parts.decoder, concat([flat(tokens), flat(objects)], 0), {
    zeroesPadding: true,
  })
}

/** The loss's inputs for a batch. */
export function mgLlavaTrainingFeeds(
  samples: readonly MgLlavaTrainingSample[],
  parts: MgLlavaParts,
): Record<string, HostTensor> {
  const views = samples.flatMap((sample) => sample.views)
  const pixels = views.map((view) => view.pixels())
  const batch = {
    high: joinTiles(pixels.map(({ high }) => high)),
    low: joinTiles(pixels.map(({ low }) => low)),
  }
  const objects = views.map((view) => view.objects)
  const tokensPerPicture = Math.floor(parts.tower.image_size / parts.tower.patch_size) ** 2
  return {
    ...mgLlavaFeeds(batch, objects, parts),
    ...visualFeeds(mergeMgLlava(samples, tokensPerPicture), parts.decoder),
  }
}

interface Place {
  readonly id: number
  readonly label: number
  readonly row?: number
}

/** The tokens that `mergeMgLlava` makes of a sample. */
export function mergedLength({ inputIds, views }: MgLlavaTrainingSample, tokensPerPicture: number): number {
  const visual = views.reduce((sum, { objects }) => sum + tokensPerPicture + objects.boxes.length, 0)
  return inputIds.reduce((sum, id) => sum + (id === IMAGE_ID ? visual : 1), 0)
}

/**
 * Samples with each placeholder replaced by its pictures' tokens, each picture's objects behind it, padded at the right
 * to the longest; the padding that a sample's text brings stays, unmasked. Nothing is cut. A placeholder stands for all
 * of its sample's views: one picture, or the frames of a video. Source: MG-LLaVA,
 * `prepare_inputs_labels_for_multimodal`; golden case `mgllava-tiny-image`.
 */
export function mergeMgLlava(
  samples: readonly MgLlavaTrainingSample[],
  tokensPerPicture: number,
): VisualBatch {
  const views = samples.flatMap((sample) => sample.views)
  const mostObjects = Math.max(...views.map(({ objects }) => objects.boxes.length))
  const firstObject = views.length * tokensPerPicture
  const rowsOf = (view: number): number[] => [
    ...Array.from({ length: tokensPerPicture }, (_, i) => view * tokensPerPicture + i),
    ...views[view]!.objects.boxes.map((_, i) => firstObject + view * mostObjects + i),
  ]
  let firstView = 0
  const merged = samples.map(({ inputIds, labels, views: own }) => {
    const rows = own.flatMap((_, i) => rowsOf(firstView + i))
    firstView += own.length
    return inputIds.flatMap((id, t): Place[] =>
      id === IMAGE_ID ? rows.map((row) => ({ id: 0, label: IGNORED, row })) : [{ id, label: labels[t]! }],
    )
  })
  const longest = Math.max(...merged.map((places) => places.length))
  const padded = <T>(row: readonly T[], filler: T): T[] => [
    ...row,
    ...Array<T>(longest - row.length).fill(filler),
  ]
  const rows = merged.flatMap((places) => padded<Place | undefined>(places, undefined))
  const placeholders = rows.flatMap((place, at) => (place?.row === undefined ? [] : [at]))
  const each = <T>(of: (place: Place, t: number) => T, filler: T): T[][] =>
    merged.map((places) => padded(places.map(of), filler))
  return {
    ids: each(({ id }) => id, 0),
    labels: each(({ label }) => label, IGNORED),
    valid: each(() => true, false),
    positions: each((_, t) => t, 0),
    placeholders,
    visualRows: placeholders.map((at) => rows[at]!.row!),
  }
}
