import { layerInput, markLayer } from './layer.ts'
import { type Node, type Tensor, tap, tapName, topologicalOrder } from './tensor.ts'

/**
 * The same graph with some nodes replaced. `replace` is given each node whose operands are already rewritten, and
 * returns what stands in its place, or undefined to leave it. Names given by `tap` and marks of
 * layers go to the replacement.
 */
export function rewrite(
  outputs: Readonly<Record<string, Tensor>>,
  replace: (node: Node, original: Tensor) => Tensor | undefined,
): Record<string, Tensor> {
  const rewritten = new Map<Tensor, Tensor>()
  for (const tensor of topologicalOrder(Object.values(outputs))) rewritten.set(tensor, visit(tensor))
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, rewritten.get(tensor)!]))

  function visit(tensor: Tensor): Tensor {
    const { source } = tensor
    if (source.kind !== 'node') return tensor
    const inputs = source.inputs.map((x) => rewritten.get(x)!)
    const isSame = inputs.every((x, i) => x === source.inputs[i])
    const node = isSame ? source : { ...source, inputs }
    const result = replace(node, tensor) ?? (isSame ? tensor : { ...tensor, source: node })
    const below = layerInput(tensor)
    if (below && result !== tensor) markLayer(rewritten.get(below)!, result)
    const name = tapName(tensor)
    if (name !== undefined && result !== tensor) tap(name, result)
    return result
  }
}
