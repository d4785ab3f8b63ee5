import { f32, i64 } from '../../tensor/tensor.ts'
import { defineOp, Misfit } from '../op.ts'
import type { Tensor } from '../tensor.ts'
import { constant } from '../tensor.ts'
import { equal, where } from './arithmetic.ts'
import { scatterAddRows } from './gather.ts'
import { reshape } from './shape.ts'

const embeddingOp = defineOp<{ paddingId?: number }>('embedding', {
  shape: ([table, ids]) => {
    if (ids!.dtype !== 'i64' || table!.shape.length !== 2)
      throw new Misfit('a table [V, C] and i64 ids are needed')
    return [...ids!.shape, table!.shape[1]!]
  },
  // Rows are gathered from the table as it is stored and widened afterwards: a half-precision table stays mapped.
  onnx: (g, [table, ids]) => g.widen(g.node('Gather', [g.stored(table!), ids!]), table!),
  gradient: ({ inputs: [table, ids], dy, attributes: { paddingId } }) => [
    scatterAddRows(paddingId === undefined ? dy : withoutPadding(dy, ids!, paddingId), ids!, table!.shape),
    undefined,
  ],
})

/** The rows of a table at the ids. table [V, C], ids [...] i64 → [..., C]. */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  return embeddingOp([table, ids], {})
}

/** As `embedding`, but the row `paddingId` never receives a gradient (PyTorch's `padding_idx`). */
export function paddedEmbedding(table: Tensor, ids: Tensor, paddingId: number): Tensor {
  return embeddingOp([table, ids], { paddingId })
}

/** Gradients of looked up rows, zero where padding was looked up. */
function withoutPadding(dy: Tensor, ids: Tensor, paddingId: number): Tensor {
  const isPadding = reshape(equal(ids, constant(i64([], [paddingId]))), [...ids.shape, 1])
  return where(isPadding, constant(f32([], [0])), dy)
}

const stopGradientOp = defineOp('stopGradient', {
  shape: ([x]) => x!.shape,
  onnx: (g, inputs) => g.node('Identity', inputs),
  gradient: () => [undefined],
})

/** x as a constant of differentiation. */
export function stopGradient(x: Tensor): Tensor {
  return stopGradientOp([x], {})
}
