import { layerInput } from './layer.ts'
import { after } from './ops/index.ts'
import type { Tensor } from './tensor.ts'

/** The inside of a layer as the backward pass computes it a second time. */
interface Again {
  readonly output: Tensor
  /** Copies of tensors of the layer, by those that the forward pass made. */
  readonly copies: Map<Tensor, Tensor>
}

/**
 * What the backward pass sees of the forward pass when only the tensors between layers are held: each layer is computed
 * again from its input, once the gradients of the layers behind it are done. Memory for one layer's inside in place of
 * all, for a second forward pass. Source: Chen et al., Training Deep Nets with Sublinear Memory Cost (arXiv 1604.06174).
 */
export class Recomputation {
  readonly #layers = new Map<Tensor, Again>()

  /** @param order everything below the loss, each before what uses it */
  constructor(order: readonly Tensor[]) {
    for (const output of order) {
      const input = layerInput(output)
      if (!input) continue
      const again: Again = { output, copies: new Map() }
      const reached = [output]
      for (let x = reached.pop(); x; x = reached.pop()) {
        // What several layers share belongs to the first, and the others read it from the forward pass.
        if (x === input || x.source.kind !== 'node' || this.#layers.has(x)) continue
        this.#layers.set(x, again)
        reached.push(...x.source.inputs)
      }
      again.copies.set(input, input)
    }
  }

  /**
   * Called before the gradient of the op that made `output`; where a layer ends there, its inside is computed behind `done`.
   * Whether it does.
   */
  enter(output: Tensor, done: readonly Tensor[]): boolean {
    const layer = this.#layers.get(output)
    if (layer?.output !== output) return false
    const input = layerInput(output)!
    layer.copies.set(input, after(input, done))
    return true
  }

  /** The tensor `x` as the gradient of the op that made `user` may read it. */
  seenBy(user: Tensor, x: Tensor): Tensor {
    const layer = this.#layers.get(user)
    return layer ? this.#copy(layer, x) : x
  }

  #copy(layer: Again, x: Tensor): Tensor {
    const known = layer.copies.get(x)
    if (known) return known
    // The output is the next layer's input, which is held.
    if (x.source.kind !== 'node' || x === layer.output || this.#layers.get(x) !== layer) return x
    const inputs = x.source.inputs.map((operand) => this.#copy(layer, operand))
    const isSame = inputs.every(
      (operand, i) => operand === (x.source as { inputs: readonly Tensor[] }).inputs[i],
    )
    const copy = isSame ? x : { ...x, source: { ...x.source, inputs } }
    layer.copies.set(x, copy)
    return copy
  }
}
