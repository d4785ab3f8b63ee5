import { type Dim, evaluateDim } from './dim.ts'
import { type Tensor, topologicalOrder } from './tensor.ts'

/** What a graph has to compute, counted and not measured. One multiply-add counts once. */
export interface Work {
  /** Multiply-adds of products with weights. */
  readonly linear: number
  /** Multiply-adds of products between computed values: attention. */
  readonly attention: number
  /** Weights that are read, embeddings by the rows that are looked up. */
  readonly weights: number
}

export const noWork: Work = { linear: 0, attention: 0, weights: 0 }

/** The sum of works, each done `times` times. */
export function addWork(...parts: readonly (readonly [work: Work, times: number])[]): Work {
  const sum = (of: (work: Work) => number): number =>
    parts.reduce((total, [work, times]) => total + of(work) * times, 0)
  return {
    linear: sum((work) => work.linear),
    attention: sum((work) => work.attention),
    weights: sum((work) => work.weights),
  }
}

/** The work below `outputs`, by the values of its dimensions' symbols. */
export function workOf(outputs: readonly Tensor[]): (symbols: ReadonlyMap<string, number>) => Work {
  const order = topologicalOrder(outputs)
  // Of a table only the rows looked up are read.
  const tables = new Set(
    order.flatMap(({ source }) =>
      source.kind === 'node' && source.op.name === 'embedding' ? [source.inputs[0]!] : [],
    ),
  )
  const repeated = repeatedProducts(order)
  return (symbols) => {
    const sizeOf = (d: Dim): number => (typeof d === 'number' ? d : evaluateDim(d, symbols))
    const elements = (x: Tensor): number => x.shape.reduce<number>((product, d) => product * sizeOf(d), 1)
    let [linear, attention, weights] = [0, 0, 0]
    for (const tensor of order) {
      const { source } = tensor
      if (source.kind === 'weight' && !tables.has(tensor)) weights += elements(tensor)
      if (source.kind !== 'node' || repeated.has(tensor)) continue
      const [a, b] = source.inputs
      switch (source.op.name) {
        case 'linear':
          linear += elements(a!) * sizeOf(b!.shape[0]!)
          break
        case 'conv':
          // Each output element takes one filter: [out, in / groups, kernel…].
          linear += (elements(tensor) * elements(b!)) / sizeOf(b!.shape[0]!)
          break
        case 'matmul':
        case 'matmulTransposed':
          attention += elements(tensor) * sizeOf(a!.shape.at(-1)!)
          break
        case 'fusedAttention':
          // Scores and their product with the values: T·S·C each.
          attention += 2 * elements(a!) * sizeOf(b!.shape[1]!)
          break
        case 'embedding':
          weights += elements(tensor)
      }
    }
    return { linear, attention, weights }
  }
}

/** Products that an earlier one has computed: the engine shares what a gradient writes down again. */
function repeatedProducts(order: readonly Tensor[]): Set<Tensor> {
  const partners = new Map<Tensor, Set<Tensor>>()
  return new Set(
    order.filter(({ source }) => {
      if (source.kind !== 'node' || source.op.name !== 'matmul') return false
      const [a, b] = source.inputs as [Tensor, Tensor]
      const known = partners.get(a) ?? new Set()
      const isRepeated = known.has(b)
      partners.set(a, known.add(b))
      return isRepeated
    }),
  )
}
