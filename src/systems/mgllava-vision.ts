import { clipVit } from '../encoders/clip-vit.ts'
import { convNext } from '../encoders/convnext.ts'
import { layersNeeded, selectFeatures } from '../encoders/vision-features.ts'
import { convGate } from '../fusion/conv-gate.ts'
import { type Dim, dim } from '../graph/dim.ts'
import { input, type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { type RoiMeanWeights, roiMeans, roiMeanWeights } from '../nn/roi-mean.ts'
import { mlpProjector } from '../projectors/mlp.ts'
import type { NamedTensors } from '../runtime/engine.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import type { MgLlavaBoxes } from './mgllava-boxes.ts'
import { highTower, lowTower, type MgLlavaParts, stageSides } from './mgllava-config.ts'
import type { MgLlavaPixels } from './mgllava-pixels.ts'

/** What MG-LLaVA's eye looks at, as graph inputs: N pictures with at most n boxes each. */
export interface MgLlavaInputs {
  /** [N, 3, S, S] */
  readonly high: Tensor
  /** [N, 3, s, s] */
  readonly low: Tensor
  /** For each stage of ConvNeXt, rows and columns [N, n, side]. */
  readonly boxes: readonly RoiMeanWeights<Tensor>[]
}

/**
 * MG-LLaVA's eye: CLIP's tokens of the small picture fused with ConvNeXt's last map of the large one; the boxes pool
 * all of ConvNeXt's maps. → visual tokens [N, T, hidden] and object tokens [N, n, hidden].
 * Source: MG-LLaVA (arXiv 2406.17770), figure 2; golden case `mgllava-tiny-image`.
 */
export function mgLlavaVision(
  w: Weights,
  { high, low, boxes }: MgLlavaInputs,
  { config, tower, convNext: aux }: Omit<MgLlavaParts, 'decoder'>,
): { tokens: Tensor; objects: Tensor } {
  const layers = layersNeeded(tower.num_hidden_layers, config.visual_select_layer)
  const states = clipVit(w.at(lowTower), low, tower, { layers })
  const features = tap('clip_selected', selectFeatures(states, layers))
  const stages = convNext(w.at(highTower), high, aux)
  const fused = tap('fused', convGate(w.at('fuse_module'), features, stages.at(-1)!))
  return {
    tokens: tap('projected', mlpProjector(w.at('projector.model'), fused)),
    objects: tap('objects', mlpProjector(w.at('bbox_projector.model'), roiMeans(stages, boxes))),
  }
}

/** The inputs, for as many pictures and boxes as a run brings. */
export function mgLlavaInputs(parts: Omit<MgLlavaParts, 'decoder'>): MgLlavaInputs {
  const [N, n] = [dim('N'), dim('n')]
  const picture = (name: string, side: number): Tensor => input(name, 'f32', [N as Dim, 3, side, side])
  const axis = (name: string, side: number): Tensor => input(name, 'f32', [N, n, side])
  return {
    high: picture('high', parts.config.image_size_aux),
    low: picture('low', parts.tower.image_size),
    boxes: stageSides(parts).map((side, s) => ({
      rows: axis(`rows.${s}`, side),
      columns: axis(`columns.${s}`, side),
    })),
  }
}

/** Their values for a batch of pictures; those with fewer boxes than others get zero rows. */
export function mgLlavaFeeds(
  pixels: MgLlavaPixels,
  objects: readonly MgLlavaBoxes[],
  parts: Omit<MgLlavaParts, 'decoder'>,
): NamedTensors {
  const { image_size_aux: pictureSide, box_feat_size: cells } = parts.config
  const weights = roiMeanWeights(
    objects.map(({ boxes }) => boxes),
    stageSides(parts),
    { pictureSide, cells },
  )
  const feeds: Record<string, HostTensor> = { high: pixels.high, low: pixels.low }
  for (const [s, { rows, columns }] of weights.entries()) {
    feeds[`rows.${s}`] = rows
    feeds[`columns.${s}`] = columns
  }
  return feeds
}
