import type { WeightEntry } from '../checkpoint/checkpoint.ts'
import { type Dim, mulDims } from './dim.ts'
import {
  type ActivationType,
  add,
  blockProduct,
  integerProduct,
  mul,
  quantiseRows,
  rowPeak,
} from './ops/index.ts'
import { rewrite } from './rewrite.ts'
import { type Node, type Tensor, topologicalOrder, weight } from './tensor.ts'

/** A weight matrix in few bits. */
export type QuantisedWeight =
  /** s8 [K, N] with a scale a column [N]. */
  | { readonly form: 'int8'; readonly values: WeightEntry; readonly scales: WeightEntry }
  /** 4 bits in blocks, u8 [N, blocks, b/2], with a scale a block [N·blocks]. */
  | {
      readonly form: 'int4'
      readonly values: WeightEntry
      readonly scales: WeightEntry
      readonly blockSize: number
    }

/** Products with fewer rows or columns than this keep their precision. */
const leastSize = 16

/**
 * The weights that may be quantised: those of products written `linear` whose matrix is one of the checkpoint's, as it
 * is stored. What stays higher, and why:
 * - tables that are looked up, norms, biases, layer scales: they are no products, and cost no time;
 * - the first patch embedding and other convolutions, whose kernel is reshaped before the product: raw pixels reach
 *   the model through them, and they are under 1 % of the time;
 * - products with under 16 inputs or outputs: routers, gates and score heads, whose few numbers decide what runs;
 * - products of activations with each other (attention): their error would be made anew for every token.
 * Layers whose inputs have outlier tokens need no exception, since each row has a scale of its own: what one scale for
 * all rows costs there is measured by `npm run bench:accuracy`. The output head keeps int8 in int4 (`formsOf`).
 */
export function quantisableWeights(outputs: Iterable<Tensor>): Set<WeightEntry> {
  const entries = new Set<WeightEntry>()
  for (const { source } of topologicalOrder([...outputs])) {
    const entry = source.kind === 'node' ? weightOfLinear(source) : undefined
    if (entry) entries.add(entry)
  }
  return entries
}

/** The row counts of the products of these weights; a program's largest says how much it multiplies. */
export function productRows(outputs: Iterable<Tensor>, weights: ReadonlySet<WeightEntry>): Dim[] {
  const rows = new Map<string, Dim>()
  for (const { source } of topologicalOrder([...outputs])) {
    const entry = source.kind === 'node' ? weightOfLinear(source) : undefined
    if (source.kind !== 'node' || !entry || !weights.has(entry)) continue
    const count = mulDims(...source.inputs[0]!.shape.slice(0, -1))
    rows.set(String(count), count)
  }
  return [...rows.values()]
}

function weightOfLinear({ op, inputs }: Node): WeightEntry | undefined {
  const source = inputs[1]?.source
  if (op.name !== 'linear' || source?.kind !== 'weight') return undefined
  const { entry } = source
  const isFloat = entry.dtype === 'f32' || entry.dtype === 'bf16' || entry.dtype === 'f16'
  return isFloat && entry.shape.every((size) => size >= leastSize) ? entry : undefined
}

/**
 * The graph with every product of a weight in `weights` computed in its quantised form. Products of one input share
 * its quantised rows (queries, keys and values; gate and up). They are not joined into one product: cutting its result
 * apart costs more than it saves (bench/README.md).
 */
export function lowerLinears(
  outputs: Readonly<Record<string, Tensor>>,
  weights: ReadonlyMap<WeightEntry, QuantisedWeight>,
  activations: ActivationType,
): Record<string, Tensor> {
  const rowsOf = new Map<Tensor, { rows: Tensor; peak: Tensor }>()
  const leaves = new Map<WeightEntry, Tensor>()
  const leaf = (entry: WeightEntry): Tensor => {
    const known = leaves.get(entry) ?? weight(entry)
    leaves.set(entry, known)
    return known
  }
  const quantised = (x: Tensor): { rows: Tensor; peak: Tensor } => {
    const known = rowsOf.get(x)
    if (known) return known
    const peak = rowPeak(x)
    const made = { rows: quantiseRows(x, peak, activations), peak }
    rowsOf.set(x, made)
    return made
  }
  return rewrite(outputs, (node) => {
    const entry = weightOfLinear(node)
    const form = entry && weights.get(entry)
    if (!form) return undefined
    const [x, , bias] = node.inputs as [Tensor, Tensor, Tensor | undefined]
    if (form.form === 'int4')
      return blockProduct(x, { ...form, blocks: leaf(form.values), scales: leaf(form.scales) }, bias)
    const { rows, peak } = quantised(x)
    const product = mul(integerProduct(rows, leaf(form.values), leaf(form.scales)), peak)
    return bias ? add(product, bias) : product
  })
}
