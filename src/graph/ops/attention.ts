import { type Dim, sameDim } from '../dim.ts'
import { microsoft } from '../onnx/graph.ts'
import { defineOp, Misfit } from '../op.ts'
import type { Tensor } from '../tensor.ts'
import { mul, sub } from './arithmetic.ts'
import { matmul, matmulTransposed } from './matmul.ts'
import { softmax } from './normalise.ts'
import { sum } from './reduce.ts'
import { reshape, transpose, transposeLast } from './shape.ts'

const fusedAttentionOp = defineOp<{ heads: number }>('fusedAttention', {
  shape: ([q, k, v], { heads }) => {
    const [Bq, , C] = q!.shape
    const [Bk, S, Ck] = k!.shape
    const [Bv, Sv, Cv] = v!.shape
    if (q!.shape.length !== 3 || k!.shape.length !== 3 || v!.shape.length !== 3)
      throw new Misfit('the operands must be [B, T, C]')
    if (![Bk!, Bv!].every((d) => sameDim(d, Bq!)) || !sameDim(S!, Sv!) || !sameDim(C!, Ck!))
      throw new Misfit('queries, keys and values do not belong together')
    if (![C!, Cv!].every((d) => typeof d === 'number' && d % heads === 0))
      throw new Misfit(`the width does not split into ${heads} heads`)
    return [Bq!, q!.shape[1]!, Cv!]
  },
  onnx: (g, inputs, { attributes: { heads } }) =>
    g.node('MultiHeadAttention', inputs, { num_heads: heads }, microsoft),
  // The weights are computed again: training keeps what inference never holds.
  gradient: ({ inputs, dy, attributes: { heads } }) => {
    const [q, k, v, dOut] = [...inputs, dy].map((x) => toHeads(x, heads)) as [Tensor, Tensor, Tensor, Tensor]
    const scale = (q.shape.at(-1) as number) ** -0.5
    const weights = softmax(matmulTransposed(mul(q, scale), k))
    const dWeights = matmulTransposed(dOut, v)
    const along = sum(mul(dWeights, weights), [-1], { keepDims: true })
    const dScores = mul(mul(sub(dWeights, along), weights), scale)
    const slopes = [
      matmul(dScores, k),
      matmul(transposeLast(dScores), q),
      matmul(transposeLast(weights), dOut),
    ]
    return slopes.map(fromHeads)
  },
})

/** [B, T, heads·D] → [B, heads, T, D]. */
function toHeads(x: Tensor, heads: number): Tensor {
  const [B, T, C] = x.shape as [Dim, Dim, number]
  return transpose(reshape(x, [B, T, heads, C / heads]), [0, 2, 1, 3])
}

function fromHeads(x: Tensor): Tensor {
  const [B, heads, T, D] = x.shape as [Dim, number, Dim, number]
  return reshape(transpose(x, [0, 2, 1, 3]), [B, T, heads * D])
}

/**
 * Full attention of equal heads as one kernel, which works through the keys in blocks and never holds the T×S scores:
 * at 5,185 tokens and 16 heads 1.7 GB less than as single ops. No mask.
 * q [B, T, C], k [B, S, C], v [B, S, Cv] → [B, T, Cv]; scores are scaled by (C/heads)^−½.
 */
export function fusedAttention(q: Tensor, k: Tensor, v: Tensor, heads: number): Tensor {
  return fusedAttentionOp([q, k, v], { heads })
}
