import { GraphError } from '../tensor/errors.ts'
import { addDims, type Dim, sameDim, shapeText } from './dim.ts'
import type { OpDefinition } from './op.ts'
import { add, concat, expand } from './ops/index.ts'
import { Recomputation } from './recompute.ts'
import { type Node, scalar, type Tensor, topologicalOrder } from './tensor.ts'

export interface GradientOptions {
  /** What the backward pass computes a second time in order not to hold it: the inside of layers (`markLayer`). */
  readonly recompute?: 'layers' | undefined
}

/**
 * d loss / d each of `wrt`, as tensors of the same graph (reverse mode). A tensor that the loss does not depend on
 * gets zeros.
 * @throws GraphError `loss-not-scalar`, `no-gradient` when a float path runs through an op without a gradient.
 */
export function gradients(
  loss: Tensor,
  wrt: readonly Tensor[],
  { recompute }: GradientOptions = {},
): Tensor[] {
  if (loss.shape.length !== 0)
    throw new GraphError(
      'loss-not-scalar',
      `The loss has shape ${shapeText(loss.shape)}; take its sum or mean first.`,
    )
  const order = topologicalOrder([loss])
  const recomputation = recompute && new Recomputation(order)
  const isWrt = new Set<Tensor>(wrt)
  const leadsToWrt = new Set<Tensor>(wrt)
  for (const tensor of order)
    if (tensor.source.kind === 'node' && tensor.source.inputs.some((x) => leadsToWrt.has(x)))
      leadsToWrt.add(tensor)

  // What each use of a tensor gives.
  const upstream = new Map<Tensor, Tensor[]>([[loss, [scalar(1)]]])
  // What was found for `wrt` since the last layer was entered. Computing it later would hold that layer's inside.
  let found: Tensor[] = []
  for (const tensor of order.toReversed()) {
    const uses = upstream.get(tensor)
    if (!uses || tensor.source.kind !== 'node' || !leadsToWrt.has(tensor)) continue
    if (!tensor.source.inputs.some((x) => leadsToWrt.has(x))) continue
    const { op, inputs, attributes } = tensor.source
    const definition = op.definition as unknown as OpDefinition<object>
    const dy = total(uses)
    if (!definition.gradient)
      throw new GraphError('no-gradient', `${op.name} has no gradient, but a trained weight lies below it.`, {
        op: op.name,
      })
    if (recomputation?.enter(tensor, [dy, ...found])) found = []
    const seen = (x: Tensor): Tensor => recomputation?.seenBy(tensor, x) ?? x
    const parts = definition.gradient({ inputs: inputs.map(seen), output: seen(tensor), dy, attributes })
    inputs.forEach((x, i) => {
      const part = parts[i]
      if (!part || !leadsToWrt.has(x)) return
      upstream.set(x, [...(upstream.get(x) ?? []), part])
      if (recomputation && isWrt.has(x)) found.push(part)
    })
  }
  return wrt.map((x) => {
    const uses = upstream.get(x)
    return uses ? total(uses) : expand(scalar(0), x.shape)
  })
}

/** The sum of what the uses of a tensor give. Slices that cover an axis are put together: padding them to add them costs
 * several times as much. */
function total(parts: readonly Tensor[]): Tensor {
  const slices = coveringSlices(parts)
  const rest = parts.filter((part) => !slices.includes(part))
  const joined = slices.length > 1 ? [concat(slices.map(sliceOf), padding(slices[0]!)!.axis)] : []
  return [...joined, ...rest].reduce((a, b) => add(a, b))
}

/** Of the parts, the gradients of slices that follow each other from one end of an axis to the other; none where some lack. */
function coveringSlices(parts: readonly Tensor[]): Tensor[] {
  const axis = parts.map(padding).find((it) => it !== undefined)?.axis
  const found: Tensor[] = []
  let start: Dim = 0
  for (;;) {
    const next = parts.find((part) => {
      const it = padding(part)
      return it?.axis === axis && it !== undefined && sameDim(it.before, start) && !found.includes(part)
    })
    if (!next) return []
    found.push(next)
    start = addDims(start, sliceOf(next).shape[axis!]!)
    if (sameDim(start, next.shape[axis!]!)) return found
  }
}

/** How the gradient of a slice is padded to the whole; undefined for what is no such gradient. */
function padding({ source }: Tensor): { readonly axis: number; readonly before: Dim } | undefined {
  if (source.kind !== 'node' || source.op.name !== 'pad') return undefined
  return source.attributes as unknown as { readonly axis: number; readonly before: Dim }
}

function sliceOf({ source }: Tensor): Tensor {
  return (source as Node).inputs[0]!
}
