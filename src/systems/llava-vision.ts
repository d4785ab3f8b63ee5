import type { ClipVisionConfig } from '../encoders/clip-config.ts'
import { clipVit } from '../encoders/clip-vit.ts'
import { layersNeeded, selectFeatures } from '../encoders/vision-features.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { llavaProjector } from '../projectors/llava.ts'
import { type LlavaConfig, llavaTower } from './llava-config.ts'

/**
 * LLaVA's eye: CLIP, a chosen hidden state without its class token, projector.
 * Pixels [N, 3, S, S] → visual tokens [N, T, hidden]. Golden case `llava15-tiny`.
 */
export function llavaVision(
  w: Weights,
  pixels: Tensor,
  config: LlavaConfig,
  tower: ClipVisionConfig,
): Tensor {
  const layers = layersNeeded(tower.num_hidden_layers, config.mm_vision_select_layer)
  const states = clipVit(w.at(llavaTower), pixels, tower, { layers })
  const features = selectFeatures(states, layers, config.mm_vision_select_feature)
  const projected = llavaProjector(
    w.at('model.mm_projector'),
    tap('features', features),
    config.mm_projector_type,
  )
  return tap('projected', projected)
}
