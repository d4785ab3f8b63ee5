import { type Dim, mulDims, sameDim } from '../dim.ts'
import { microsoft, type OnnxGraph } from '../onnx/graph.ts'
import { defineOp, Misfit } from '../op.ts'
import type { Tensor } from '../tensor.ts'
import { broadcastShapes, unbroadcast } from './broadcast.ts'
import { sum } from './reduce.ts'
import { reshape, transposeLast } from './shape.ts'

function productShape(a: readonly Dim[], b: readonly Dim[], inner: Dim, outer: Dim): Dim[] {
  if (a.length < 2 || b.length < 2) throw new Misfit('both operands need at least two axes')
  if (!sameDim(a.at(-1)!, inner)) throw new Misfit(`${a.at(-1)} columns meet ${inner} rows`)
  return [...broadcastShapes(a.slice(0, -2), b.slice(0, -2)), a.at(-2)!, outer]
}

/** Whether the kernels read a transposed operand in place: those of the CPU do, native or as WebAssembly. */
function hasFusedMatMul({ target: { device } }: OnnxGraph): boolean {
  return device === 'cpu' || device === 'wasm'
}

const matmulOp = defineOp('matmul', {
  shape: ([a, b]) => productShape(a!.shape, b!.shape, b!.shape.at(-2)!, b!.shape.at(-1)!),
  onnx: (g, inputs) => g.node('MatMul', inputs),
  gradient: ({ inputs: [a, b], dy }) => [
    unbroadcast(matmulTransposed(dy, b!), a!.shape),
    unbroadcast(matmul(transposeLast(a!), dy), b!.shape),
  ],
})

/** a·b over the last two axes, the others broadcast. [..., M, K] × [..., K, N] → [..., M, N]. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  return matmulOp([a, b], {})
}

const matmulTransposedOp = defineOp('matmulTransposed', {
  shape: ([a, b]) => productShape(a!.shape, b!.shape, b!.shape.at(-1)!, b!.shape.at(-2)!),
  onnx: (g, [a, b], { inputs }) => {
    if (hasFusedMatMul(g)) return g.node('FusedMatMul', [a!, b!], { transB: 1 }, microsoft)
    const rank = inputs[1]!.shape.length
    return g.node('MatMul', [
      a!,
      g.node('Transpose', [b!], { perm: [...Array(rank - 2).keys(), rank - 1, rank - 2] }),
    ])
  },
  gradient: ({ inputs: [a, b], dy }) => [
    unbroadcast(matmul(dy, b!), a!.shape),
    unbroadcast(matmul(transposeLast(dy), a!), b!.shape),
  ],
})

/** a·bᵀ over the last two axes: [..., M, K] × [..., N, K] → [..., M, N]; the form of attention scores. */
export function matmulTransposed(a: Tensor, b: Tensor): Tensor {
  return matmulTransposedOp([a, b], {})
}

const linearOp = defineOp('linear', {
  shape: ([x, w, bias]) => {
    if (w!.shape.length !== 2) throw new Misfit('the weight is not a matrix [out, in]')
    if (!sameDim(x!.shape.at(-1)!, w!.shape[1]!))
      throw new Misfit(`the input has ${x!.shape.at(-1)} features, the weight takes ${w!.shape[1]}`)
    if (bias && !(bias.shape.length === 1 && sameDim(bias.shape[0]!, w!.shape[0]!)))
      throw new Misfit(`the bias is not a vector of ${w!.shape[0]}`)
    return [...x!.shape.slice(0, -1), w!.shape[0]!]
  },
  // The weight stays [out, in] as in the file: transposing it would cost a second copy in memory.
  onnx: (g, [x, w, bias]) => {
    const product = hasFusedMatMul(g)
      ? g.node('FusedMatMul', [x!, w!], { transB: 1 }, microsoft)
      : g.node('MatMul', [x!, g.node('Transpose', [w!], { perm: [1, 0] })])
    return bias ? g.node('Add', [product, bias]) : product
  },
  gradient: ({ inputs: [x, w, bias], dy }) => {
    const rows = mulDims(...x!.shape.slice(0, -1))
    const flatX = reshape(x!, [rows, x!.shape.at(-1)!])
    const flatDy = reshape(dy, [rows, dy.shape.at(-1)!])
    return [matmul(dy, w!), matmul(transposeLast(flatDy), flatX), bias && sum(flatDy, [0])]
  },
})

/** x·Wᵀ + b with W [out, in] as checkpoints store it. [..., in] → [..., out]. The compiler chooses its precision. */
export function linearProduct(x: Tensor, w: Tensor, bias?: Tensor): Tensor {
  return linearOp(bias ? [x, w, bias] : [x, w], {})
}

const multiHeadAttentionOp = defineOp<{ heads: number; scale: number }>('multiHeadAttention', {
  shape: ([q, k, v], { heads }) => {
    if ([q, k, v].some((x) => x!.shape.length !== 3)) throw new Misfit('operands [B, T, H·D] are needed')
    if ((q!.shape[2] as number) % heads !== 0)
      throw new Misfit(`its width does not split into ${heads} heads`)
    return q!.shape
  },
  onnx: (g, inputs, { attributes: { heads, scale } }) =>
    g.node('MultiHeadAttention', inputs, { num_heads: heads, scale: { float: scale } }, microsoft),
})

/** softmax(s·q·kᵀ)·v in each head, without a mask. q, k, v [B, T, H·D] → [B, T, H·D]. The compiler's form; no gradient. */
export function multiHeadAttention(q: Tensor, k: Tensor, v: Tensor, heads: number, scale: number): Tensor {
  return multiHeadAttentionOp([q, k, v], { heads, scale })
}
