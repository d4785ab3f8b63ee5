import { type Dim, mulDims, sameShape, shapeText } from '../dim.ts'
import { defineOp, Misfit } from '../op.ts'
import { scalar, type Tensor } from '../tensor.ts'
import { mul, sub } from './arithmetic.ts'
import { wrapAxis } from './axis.ts'
import { expand, reshape, transpose } from './shape.ts'

const gatherOp = defineOp<{ axis: number }>('gather', {
  attributes: ([x], { axis }) => ({ axis: wrapAxis(axis, x!.shape.length) }),
  shape: ([x, at], { axis }) => {
    if (at!.dtype !== 'i64') throw new Misfit('the indices are not i64')
    return [...x!.shape.slice(0, axis), ...at!.shape, ...x!.shape.slice(axis + 1)]
  },
  onnx: (g, inputs, { attributes: { axis } }) => g.node('Gather', inputs, { axis }),
  gradient: ({ inputs: [x, at], dy, attributes: { axis } }) => {
    const rank = at!.shape.length
    const rest = [...x!.shape.keys()].filter((i) => i !== axis)
    // Bring the gathered axes to the front, add rows there, and put the axis back.
    const front = transpose(dy, [
      ...at!.shape.map((_, i) => axis + i),
      ...rest.map((i) => (i < axis ? i : i + rank - 1)),
    ])
    const restShape = rest.map((i) => x!.shape[i]!)
    const summed = scatterAddRows(front, at!, [x!.shape[axis]!, ...restShape])
    const back = x!.shape.map((_, i) => (i === axis ? 0 : rest.indexOf(i) + 1))
    return [transpose(summed, back), undefined]
  },
})

/** x's slices along an axis at the indices: [.., S, ..] with indices [I..] → [.., I.., ..]. */
export function gather(x: Tensor, at: Tensor, axis = 0): Tensor {
  return gatherOp([x, at], { axis })
}

const scatterAddRowsOp = defineOp<{ shape: readonly Dim[] }>('scatterAddRows', {
  shape: ([rows, at], { shape }) => {
    requireRows(shape, rows!, at!)
    return shape
  },
  onnx: (g, [rows, at], { output, inputs }) => {
    const zeros = g.node('Expand', [g.float(0), g.dims(output.shape)])
    const rest = output.shape.slice(1)
    const count = mulDims(...inputs[1]!.shape)
    const shape = g.dims([count, ...rest])
    const flat = g.node('Reshape', [at!, g.dims([count, ...rest.map(() => 1)])], { allowzero: 1 })
    // Not ScatterND: with several threads it loses some of the rows that meet in one place.
    const operands = [
      zeros,
      g.node('Expand', [flat, shape]),
      g.node('Reshape', [rows!, shape], { allowzero: 1 }),
    ]
    return g.node('ScatterElements', operands, { axis: 0, reduction: 'add' })
  },
  gradient: ({ inputs: [, at], dy }) => [gather(dy, at!), undefined],
})

function requireRows(shape: readonly Dim[], rows: Tensor, at: Tensor): void {
  if (at.dtype !== 'i64') throw new Misfit('the indices are not i64')
  const expected = [...at.shape, ...shape.slice(1)]
  if (!sameShape(expected, rows.shape))
    throw new Misfit(
      `rows of ${shapeText(shape)} at ${shapeText(at.shape)} have shape ${shapeText(expected)}`,
    )
}

/** A zero tensor of `shape` to whose rows (first axis) the given rows are added at the indices. */
export function scatterAddRows(rows: Tensor, at: Tensor, shape: readonly Dim[]): Tensor {
  return scatterAddRowsOp([rows, at], { shape })
}

/**
 * `base` with the rows at the indices replaced: how visual tokens are written over their placeholders.
 * base [R, C], rows [n, C], at [n] i64, each index at most once → [R, C].
 */
export function replaceRows(base: Tensor, rows: Tensor, at: Tensor): Tensor {
  const ones = expand(scalar(1), at.shape)
  const isReplaced = scatterAddRows(ones, at, [base.shape[0]!])
  const kept = mul(base, sub(1, reshape(isReplaced, [base.shape[0]!, 1])))
  return addRows(kept, rows, at)
}

const addRowsOp = defineOp('addRows', {
  shape: ([base, rows, at]) => {
    requireRows(base!.shape, rows!, at!)
    return base!.shape
  },
  onnx: (g, [base, rows, at], { inputs }) => {
    const positions = g.node('Unsqueeze', [at!, g.ints([inputs[2]!.shape.length])])
    return g.node('ScatterND', [base!, positions, rows!], { reduction: 'add' })
  },
  gradient: ({ inputs: [, , at], dy }) => [dy, gather(dy, at!), undefined],
})

/** `base` with rows added at the indices. base [R, ...], rows [n, ...], at [n] i64 → [R, ...]. */
export function addRows(base: Tensor, rows: Tensor, at: Tensor): Tensor {
  return addRowsOp([base, rows, at], {})
}

const takeLastOp = defineOp('takeLast', {
  shape: ([x, at]) => {
    if (at!.dtype !== 'i64' || !sameShape(at!.shape.slice(0, -1), x!.shape.slice(0, -1)))
      throw new Misfit('the indices do not match')
    return at!.shape
  },
  onnx: (g, inputs) => g.node('GatherElements', inputs, { axis: -1 }),
  gradient: ({ inputs: [x, at], dy }) => [scatterAddLast(dy, at!, x!.shape), undefined],
})

/** The elements of the last axis at the indices: x [..., V], at [..., n] i64 → [..., n]. */
export function takeLast(x: Tensor, at: Tensor): Tensor {
  return takeLastOp([x, at], {})
}

const scatterAddLastOp = defineOp<{ shape: readonly Dim[] }>('scatterAddLast', {
  shape: ([values, at], { shape }) => {
    if (at!.dtype !== 'i64' || !sameShape(values!.shape, at!.shape) || shape.length !== at!.shape.length)
      throw new Misfit('the indices do not match')
    return shape
  },
  onnx: (g, [values, at], { output }) => {
    const zeros = g.node('Expand', [g.float(0), g.dims(output.shape)])
    return g.node('ScatterElements', [zeros, at!, values!], { axis: -1, reduction: 'add' })
  },
  gradient: ({ inputs: [, at], dy }) => [takeLast(dy, at!), undefined],
})

/** Zeros of `shape` to which values are added at the indices of the last axis. */
export function scatterAddLast(values: Tensor, at: Tensor, shape: readonly Dim[]): Tensor {
  return scatterAddLastOp([values, at], { shape })
}
