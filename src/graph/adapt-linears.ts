import { add } from './ops/index.ts'
import { rewrite } from './rewrite.ts'
import { type Tensor, topologicalOrder } from './tensor.ts'

/**
 * The leaves that are the matrix of linear layers and nothing else: what an adapter may stand beside. A table that is
 * looked up too (tied embeddings) and a kernel or a packed matrix that is cut up first are none.
 */
export function linearMatrices(outputs: Iterable<Tensor>): Set<Tensor> {
  const matrices = new Set<Tensor>()
  const others = new Set<Tensor>()
  for (const { source } of topologicalOrder([...outputs])) {
    if (source.kind !== 'node') continue
    for (const [i, operand] of source.inputs.entries()) {
      if (operand.source.kind === 'node') continue
      const isMatrix = source.op.name === 'linear' && i === 1
      ;(isMatrix ? matrices : others).add(operand)
    }
  }
  return new Set([...matrices].filter((leaf) => !others.has(leaf)))
}

/**
 * The graph with a term added to every linear layer of some matrices. A term is given the layer's input, [..., in], and
 * returns what is added to its output, [..., out].
 */
export function addToLinears(
  outputs: Readonly<Record<string, Tensor>>,
  terms: ReadonlyMap<Tensor, (x: Tensor) => Tensor>,
): Record<string, Tensor> {
  return rewrite(outputs, (node, original) => {
    const [x, matrix] = node.inputs
    const term = node.op.name === 'linear' ? terms.get(matrix!) : undefined
    return term && add({ ...original, source: node }, term(x!))
  })
}
