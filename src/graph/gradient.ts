import { GraphError } from '../tensor/errors.ts'
import { shapeText } from './dim.ts'
import type { OpDefinition } from './op.ts'
import { add, expand } from './ops/index.ts'
import { scalar, type Tensor, topologicalOrder } from './tensor.ts'

/**
 * d loss / d each of `wrt`, as tensors of the same graph (reverse mode). A tensor that the loss does not depend on
 * gets zeros.
 * @throws GraphError `loss-not-scalar`, `no-gradient` when a float path runs through an op without a gradient.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.shape.length !== 0)
    throw new GraphError(
      'loss-not-scalar',
      `The loss has shape ${shapeText(loss.shape)}; take its sum or mean first.`,
    )
  const order = topologicalOrder([loss])
  const leadsToWrt = new Set<Tensor>(wrt)
  for (const tensor of order)
    if (tensor.source.kind === 'node' && tensor.source.inputs.some((x) => leadsToWrt.has(x)))
      leadsToWrt.add(tensor)

  const upstream = new Map<Tensor, Tensor>([[loss, scalar(1)]])
  for (const tensor of order.toReversed()) {
    const dy = upstream.get(tensor)
    if (!dy || tensor.source.kind !== 'node' || !leadsToWrt.has(tensor)) continue
    if (!tensor.source.inputs.some((x) => leadsToWrt.has(x))) continue
    const { op, inputs, attributes } = tensor.source
    const definition = op.definition as unknown as OpDefinition<object>
    if (!definition.gradient)
      throw new GraphError('no-gradient', `${op.name} has no gradient, but a trained weight lies below it.`, {
        op: op.name,
      })
    const parts = definition.gradient({ inputs, output: tensor, dy, attributes })
    inputs.forEach((x, i) => {
      const part = parts[i]
      if (!part || !leadsToWrt.has(x)) return
      const known = upstream.get(x)
      upstream.set(x, known ? add(known, part) : part)
    })
  }
  return wrt.map((x) => upstream.get(x) ?? expand(scalar(0), x.shape))
}
