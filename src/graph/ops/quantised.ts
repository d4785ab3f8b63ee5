import { type Dim, sameDim } from '../dim.ts'
import { microsoft } from '../onnx/graph.ts'
import { defineOp, Misfit } from '../op.ts'
import type { Tensor } from '../tensor.ts'

/*
 * The products of quantised weights. The compiler puts them where model code wrote `linear` (../lower-linears.ts);
 * they have no gradient. Their forms are those that ONNX Runtime multiplies fast (bench/README.md, engine facts §2).
 */

/** How activations are rounded: u8 around 128, or s8, whichever the processor multiplies by s8 weights quickly. */
export type ActivationType = 'u8' | 'i8'

const zeroPoint: Readonly<Record<ActivationType, number>> = { u8: 128, i8: 0 }

/** Keeps a row of zeros from dividing by zero, and is too small to matter anywhere else. */
const leastPeak = 1e-30

const rowPeakOp = defineOp('rowPeak', {
  shape: ([x]) => [...x!.shape.slice(0, -1), 1],
  onnx: (g, [x]) => {
    // Reading twice is a third cheaper than writing the magnitudes down.
    const [high, low] = ['ReduceMax', 'ReduceMin'].map((type) =>
      g.node(type, [x!, g.ints([-1])], { keepdims: 1 }),
    )
    return g.node('Max', [high!, g.node('Neg', [low!]), g.float(leastPeak)])
  },
})

/** The largest magnitude of each row: [..., C] → [..., 1], never zero. */
export function rowPeak(x: Tensor): Tensor {
  return rowPeakOp([x], {})
}

const quantiseRowsOp = defineOp<{ type: ActivationType }>('quantiseRows', {
  shape: ([x]) => x!.shape,
  dtype: (_, { type }) => type,
  onnx: (g, [x, peak], { attributes: { type } }) =>
    g.node('QuantizeLinear', [
      // Dividing first lets one fixed scale serve all rows: the engine has no kernel with a scale a row.
      g.node('Div', [x!, peak!]),
      g.float(1 / 127),
      g.small(type, zeroPoint[type]),
    ]),
})

/** x / peak in steps of 1/127, a scale a row: an outlier token does not coarsen the others. [..., C] → same, 8 bits. */
export function quantiseRows(x: Tensor, peak: Tensor, type: ActivationType): Tensor {
  return quantiseRowsOp([x, peak], { type })
}

const integerProductOp = defineOp('integerProduct', {
  shape: ([x, w, scales]) => {
    if (!isEightBit(x!) || w!.dtype !== 'i8' || w!.shape.length !== 2)
      throw new Misfit('8-bit operands are needed')
    if (!sameDim(x!.shape.at(-1)!, w!.shape[0]!))
      throw new Misfit(`${x!.shape.at(-1)} columns meet ${w!.shape[0]} rows`)
    if (!sameDim(scales!.shape[0]!, w!.shape[1]!)) throw new Misfit('there is not one scale a column')
    return [...x!.shape.slice(0, -1), w!.shape[1]!]
  },
  dtype: () => 'f32',
  onnx: (g, [x, w, scales], { inputs }) => {
    const type = inputs[0]!.dtype as ActivationType
    const operands = [x!, w!, g.float(1 / 127), scales!, g.small(type, zeroPoint[type])]
    return g.node('MatMulIntegerToFloat', operands, {}, microsoft)
  },
})

const isEightBit = (x: Tensor): boolean => x.dtype === 'u8' || x.dtype === 'i8'

/**
 * Quantised rows times s8 weights with a scale a column, in units of the rows' peaks: multiply by `peak` to get x·W.
 * [..., K] × [K, N], scales [N] → [..., N].
 */
export function integerProduct(x: Tensor, weights: Tensor, scales: Tensor): Tensor {
  return integerProductOp([x, weights, scales], {})
}

const blockProductOp = defineOp<{ inner: number; blockSize: number }>('blockProduct', {
  shape: ([x, w, , bias], { inner }) => {
    if (bias && !sameDim(bias.shape[0]!, w!.shape[0]!)) throw new Misfit('the bias does not fit')
    if (!sameDim(x!.shape.at(-1)!, inner)) throw new Misfit(`${x!.shape.at(-1)} columns meet ${inner} rows`)
    return [...x!.shape.slice(0, -1), w!.shape[0]!]
  },
  // Level 4 multiplies in 8 bits. Level 0 would widen the weights, 3 to 100 times slower at one row.
  onnx: (g, [x, w, scales, bias], { inputs, attributes: { inner, blockSize } }) =>
    g.node(
      'MatMulNBits',
      bias ? [x!, w!, scales!, '', '', bias] : [x!, w!, scales!],
      { K: inner, N: inputs[1]!.shape[0] as number, bits: 4, block_size: blockSize, accuracy_level: 4 },
      microsoft,
    ),
})

/**
 * x·Wᵀ + b with W in 4-bit blocks. x [..., K], blocks u8 [N, ⌈K/b⌉, b/2], scales [N·⌈K/b⌉] → [..., N]. Fast for few rows,
 * slower than float32 for many.
 */
export function blockProduct(
  x: Tensor,
  { blocks, scales, blockSize }: { blocks: Tensor; scales: Tensor; blockSize: number },
  bias?: Tensor,
): Tensor {
  const inner: Dim = x.shape.at(-1)!
  if (typeof inner !== 'number') throw new Misfit('the number of columns is not known')
  return blockProductOp(bias ? [x, blocks, scales, bias] : [x, blocks, scales], { inner, blockSize })
}
