import { internVit } from '../encoders/internvit.ts'
import type { Dim } from '../graph/dim.ts'
import { slice } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { internVlProjector } from '../projectors/internvl.ts'
import { InputError } from '../tensor/errors.ts'
import type { InternVlConfig } from './internvl-config.ts'

/**
 * InternVL's eye: tower, a chosen hidden state without its class token, projector.
 * Pixels [N, 3, S, S] → visual tokens [N, T, hidden]. Golden case `internvl-projector`.
 */
export function internVlVision(w: Weights, pixels: Tensor, config: InternVlConfig): Tensor {
  const { hiddenStates } = internVit(w.at('vision_model'), pixels, config.vision_config)
  const selected = hiddenStates.at(config.select_layer)
  if (!selected)
    throw new InputError(
      'select-layer',
      `select_layer ${config.select_layer} does not exist: the tower has ${hiddenStates.length} hidden states.`,
    )
  tap('vit_last', hiddenStates.at(-1)!)
  const patches = slice(selected, 1, 1, selected.shape[1] as Dim)
  return internVlProjector(w, patches, config)
}
