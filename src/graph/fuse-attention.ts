import { multiHeadAttention } from './ops/index.ts'
import { rewrite } from './rewrite.ts'
import { type Node, type Tensor, tapName, topologicalOrder } from './tensor.ts'

/**
 * The graph with each full attention over heads, as `nn/attention.ts` writes it, made one op: the engine then never
 * holds the scores of all heads at once. Attention with a mask, or whose weights something else needs (a `tap`, an
 * output, a gradient), stays as it is.
 */
export function fuseAttention(outputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const uses = useCounts(outputs)
  return rewrite(outputs, (node, original) => {
    if (node.op.name !== 'reshape' || !isOnlyUse(original, uses)) return undefined
    const parts = mergedAttention(node)
    return parts && multiHeadAttention(parts.q, parts.k, parts.v, parts.heads, parts.scale)
  })
}

/** How often each tensor is an operand or an output. */
function useCounts(outputs: Readonly<Record<string, Tensor>>): ReadonlyMap<Tensor, number> {
  const counts = new Map<Tensor, number>()
  const count = (x: Tensor): unknown => counts.set(x, (counts.get(x) ?? 0) + 1)
  for (const output of Object.values(outputs)) count(output)
  for (const { source } of topologicalOrder(Object.values(outputs)))
    if (source.kind === 'node') source.inputs.forEach(count)
  return counts
}

/** Whether nothing but the joined heads depends on the heads, their weights and their scores. */
function isOnlyUse(joined: Tensor, uses: ReadonlyMap<Tensor, number>): boolean {
  let x: Tensor | undefined = joined
  for (let depth = 0; depth < 4; depth++) {
    x = x.source.kind === 'node' ? x.source.inputs[0] : undefined // transpose, product, softmax, scores
    if (!x || uses.get(x) !== 1) return false
  }
  return true
}

interface AttentionParts {
  /** [B, T, H·D] each. */
  readonly q: Tensor
  readonly k: Tensor
  readonly v: Tensor
  readonly heads: number
  readonly scale: number
}

/** [B, H, T, D] → [B, T, H·D] of softmax(s·q·kᵀ)·v, taken apart. */
function mergedAttention({ inputs }: Node): AttentionParts | undefined {
  const byHead = headsSwapped(inputs[0])
  const product = nodeOf(byHead, 'matmul')
  const softmax = nodeOf(product?.inputs[0], 'softmax')
  const scores = nodeOf(softmax?.inputs[0], 'matmulTransposed')
  const scaled = nodeOf(scores?.inputs[0], 'mul')
  if (!product || !softmax || !scores || !scaled || softmax.attributes.axis !== 3) return undefined
  const isTapped = [inputs[0]!, byHead!, product.inputs[0]!, softmax.inputs[0]!].some(
    (x) => tapName(x) !== undefined,
  )
  const scale = scalarOf(scaled.inputs[1]!)
  const [q, k, v] = [scaled.inputs[0], scores.inputs[1], product.inputs[1]].map(beforeSplit)
  const heads = scaled.inputs[0]!.shape[1]
  const width = q?.shape[2]
  if (
    isTapped ||
    scale === undefined ||
    !q ||
    !k ||
    !v ||
    typeof heads !== 'number' ||
    typeof width !== 'number'
  )
    return undefined
  const isWhole = [q, k, v].every((x) => x.shape.length === 3 && x.shape[2] === width)
  return isWhole ? { q, k, v, heads, scale } : undefined
}

function nodeOf(x: Tensor | undefined, op: string): Node | undefined {
  return x?.source.kind === 'node' && x.source.op.name === op ? x.source : undefined
}

/** What was transposed to x by exchanging axes 1 and 2 of four. */
function headsSwapped(x: Tensor | undefined): Tensor | undefined {
  const node = nodeOf(x, 'transpose')
  return String(node?.attributes.order) === '0,2,1,3' ? node!.inputs[0] : undefined
}

/** [B, T, H·D] before it was split into heads [B, H, T, D]. */
function beforeSplit(x: Tensor | undefined): Tensor | undefined {
  return nodeOf(headsSwapped(x), 'reshape')?.inputs[0]
}

function scalarOf({ source, shape }: Tensor): number | undefined {
  return source.kind === 'constant' && shape.length === 0 ? Number(source.value.data[0]) : undefined
}
