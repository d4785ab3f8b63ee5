import type { Dim } from '../graph/dim.ts'
import { slice } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import { InputError } from '../tensor/errors.ts'

/** What a tower gives: `hiddenStates[k]` is the input of layer k, the last entry the output of the last layer. */
export interface VisionFeatures {
  readonly hiddenStates: readonly Tensor[]
}

/** Which tokens of a hidden state are features: those of the patches, or the class token before them too. */
export type SelectFeature = 'patch' | 'cls_patch'

/**
 * The hidden state `selectLayer` (counted from the end when negative), without its class token or with it. A program
 * compiled from it holds no layer behind it. [N, 1 + T, C] → [N, T, C] or [N, 1 + T, C].
 * @throws InputError `select-layer` when the tower has no such state
 */
export function selectFeatures(
  { hiddenStates }: VisionFeatures,
  selectLayer: number,
  feature: SelectFeature = 'patch',
): Tensor {
  const selected = hiddenStates.at(selectLayer)
  if (!selected)
    throw new InputError(
      'select-layer',
      `The selected layer ${selectLayer} does not exist: the tower has ${hiddenStates.length} hidden states.`,
      { selectLayer, hiddenStates: hiddenStates.length },
    )
  return feature === 'patch' ? slice(selected, 1, 1, selected.shape[1] as Dim) : selected
}

/** How many layers run for a hidden state: all but the last for −2. */
export function layersNeeded(layers: number, selectLayer: number): number {
  return selectLayer < 0 ? layers + 1 + selectLayer : selectLayer
}
