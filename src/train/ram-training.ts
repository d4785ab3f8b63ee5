import { ramImageFeature, ramImageTokens, tagEmbeddings, tagLogits } from '../detectors/ram.ts'
import type { RamConfig } from '../detectors/ram-config.ts'
import { abs, expand, mean, reshape, sub } from '../graph/ops/index.ts'
import { constant, type Tensor } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { zeros } from '../tensor/tensor.ts'
import { asymmetricLoss } from './asymmetric-loss.ts'

/** What RAM++ learns from, for B pictures. */
export interface RamBatch {
  /** [B, 3, S, S] */
  readonly pixels: Tensor
  /** Which tags each picture has, 0 or 1, [B, tags]. */
  readonly targets: Tensor
  /** CLIP's features of the pictures, [B, E]. */
  readonly clipFeatures: Tensor
  /** CLIP's embeddings of the pictures' captions, [B, E]. */
  readonly captions: Tensor
}

/** The parts of RAM++'s loss; training minimises their sum. */
export interface RamLosses {
  readonly logits: Tensor
  readonly tagging: Tensor
  readonly distillation: Tensor
  readonly alignment: Tensor
}

/**
 * The three losses of RAM++: the tags, the distance of the mean token from CLIP's feature, and which caption belongs to
 * which picture by the same head. The descriptions (`label_embed`) are meant to stay as they are: leave them out of
 * what is trained. Source: RAM++ (arXiv 2310.15200), section 3; golden case `ram-tiny`.
 */
export function ramLosses(w: Weights, batch: RamBatch, config: RamConfig): RamLosses {
  const image = ramImageTokens(w, batch.pixels, config)
  const tags = batch.targets.shape[1] as number
  const descriptions = reshape(w.get('label_embed'), [tags, config.descriptions / tags, config.encoderWidth])
  const logits = tagLogits(w, image, tagEmbeddings(w, image, descriptions), config)
  const B = batch.captions.shape[0] as number
  const captions = expand(reshape(batch.captions, [1, B, config.encoderWidth]), [B, B, config.encoderWidth])
  const captionLogits = tagLogits(w, image, captions, config)
  return {
    logits,
    tagging: asymmetricLoss(logits, batch.targets, { gammaNegative: 7, gammaPositive: 0, clip: 0.05 }),
    distillation: mean(abs(sub(ramImageFeature(image), batch.clipFeatures))),
    alignment: asymmetricLoss(captionLogits, identity(B), { gammaNegative: 4, gammaPositive: 0, clip: 0.05 }),
  }
}

function identity(size: number): Tensor {
  const matrix = zeros('f32', [size, size])
  for (let i = 0; i < size; i++) matrix.data[i * size + i] = 1
  return constant(matrix)
}
