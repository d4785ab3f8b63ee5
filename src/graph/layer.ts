import type { Tensor } from './tensor.ts'

const inputs = new WeakMap<Tensor, Tensor>()

/**
 * Remembers that a layer of a tower makes `output` of `input`, which is where training may cut: `gradients` can hold what
 * stands between two layers and compute the inside of each again. Costs nothing when it is not asked for.
 */
export function markLayer(input: Tensor, output: Tensor): Tensor {
  inputs.set(output, input)
  return output
}

/** What a layer made `output` of; undefined where no layer ends. */
export function layerInput(output: Tensor): Tensor | undefined {
  return inputs.get(output)
}
