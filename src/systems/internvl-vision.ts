import { internVit } from '../encoders/internvit.ts'
import { selectFeatures } from '../encoders/vision-features.ts'
import { fuseCrops } from '../fusion/s2.ts'
import { type Dim, mulDims } from '../graph/dim.ts'
import { reshape } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { internVlProjector } from '../projectors/internvl.ts'
import { type InternVlConfig, s2Splits } from './internvl-config.ts'

/**
 * InternVL's eye: tower, a chosen hidden state without its class token, projector.
 * Pixels [N, 3, S, S] → visual tokens [N, T, hidden]; under S2 [N, crops, 3, S, S] → [N, T, hidden], the crops' maps
 * joined along channels before the projector. Golden case `internvl-projector`.
 */
export function internVlVision(w: Weights, pixels: Tensor, config: InternVlConfig): Tensor {
  const splits = s2Splits(config)
  if (!splits) return internVlProjector(w, patchesOf(w, pixels, config), config)
  const [N, crops, ...tile] = pixels.shape as [Dim, number, ...number[]]
  const patches = patchesOf(w, reshape(pixels, [mulDims(N, crops), ...tile]), config)
  const [, P, C] = patches.shape as [Dim, number, number]
  return internVlProjector(w, fuseCrops(reshape(patches, [N, crops, P, C]), splits), config)
}

/** [N, 3, S, S] → [N, P, C]. */
function patchesOf(w: Weights, pixels: Tensor, config: InternVlConfig): Tensor {
  const tower = internVit(w.at('vision_model'), pixels, config.vision_config)
  tap('vit_last', tower.hiddenStates.at(-1)!)
  return selectFeatures(tower, config.select_layer)
}
