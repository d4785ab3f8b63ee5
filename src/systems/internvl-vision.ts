import { internVit } from '../encoders/internvit.ts'
import { selectFeatures } from '../encoders/vision-features.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { internVlProjector } from '../projectors/internvl.ts'
import type { InternVlConfig } from './internvl-config.ts'

/**
 * InternVL's eye: tower, a chosen hidden state without its class token, projector.
 * Pixels [N, 3, S, S] → visual tokens [N, T, hidden]. Golden case `internvl-projector`.
 */
export function internVlVision(w: Weights, pixels: Tensor, config: InternVlConfig): Tensor {
  const tower = internVit(w.at('vision_model'), pixels, config.vision_config)
  tap('vit_last', tower.hiddenStates.at(-1)!)
  return internVlProjector(w, selectFeatures(tower, config.select_layer), config)
}
