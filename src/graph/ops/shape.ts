import {
  addDims,
  type Dim,
  dimText,
  exactQuotient,
  mulDims,
  sameDim,
  sameShape,
  shapeText,
  subDims,
} from '../dim.ts'
import { defineOp, Misfit } from '../op.ts'
import type { Tensor } from '../tensor.ts'
import { wrapAxis } from './axis.ts'
import { broadcastShapes, unbroadcast } from './broadcast.ts'

const reshapeOp = defineOp<{ shape: readonly Dim[] }>('reshape', {
  shape: ([x], { shape }) => resolveShape(x!.shape, shape),
  onnx: (g, [x], { inputs, output }) => {
    const unknown = output.shape.filter((d) => typeof d !== 'number')
    // One unknown size is inferred by the engine; otherwise sizes are computed from the inputs' shapes,
    // and one that turns out as 0 (no past yet) is meant as 0.
    if (unknown.length > 1 || inputs[0]!.shape.includes(0))
      return g.node('Reshape', [x!, g.dims(output.shape)], { allowzero: 1 })
    return g.node('Reshape', [x!, g.ints(output.shape.map((d) => (typeof d === 'number' ? d : -1)))])
  },
  gradient: ({ inputs: [x], dy }) => [reshape(dy, x!.shape)],
})

/** x with the same elements in another shape; one size may be −1 and is then inferred. */
export function reshape(x: Tensor, shape: readonly Dim[]): Tensor {
  return sameShape(x.shape, shape) ? x : reshapeOp([x], { shape })
}

function resolveShape(from: readonly Dim[], to: readonly Dim[]): Dim[] {
  const total = mulDims(...from)
  const known = mulDims(...to.filter((d) => d !== -1))
  const inferred = to.includes(-1) ? exactQuotient(total, known) : undefined
  if (to.includes(-1) ? inferred === undefined : !sameDim(total, known))
    throw new Misfit(`${dimText(total)} elements do not fit ${shapeText(to)}`)
  return to.map((d) => (d === -1 ? inferred! : d))
}

const transposeOp = defineOp<{ order: readonly number[] }>('transpose', {
  shape: ([x], { order }) => {
    if (order.length !== x!.shape.length || !x!.shape.every((_, axis) => order.includes(axis)))
      throw new Misfit(`the order [${order}] is not a permutation of its ${x!.shape.length} axes`)
    return order.map((axis) => x!.shape[axis]!)
  },
  onnx: (g, [x], { attributes: { order } }) => g.node('Transpose', [x!], { perm: order }),
  gradient: ({ dy, attributes: { order } }) => [
    transpose(
      dy,
      order.map((_, i) => order.indexOf(i)),
    ),
  ],
})

/** x with its axes in another order. */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  return transposeOp([x], { order })
}

/** x with its last two axes exchanged. */
export function transposeLast(x: Tensor): Tensor {
  const rank = x.shape.length
  return transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2])
}

const expandOp = defineOp<{ shape: readonly Dim[] }>('expand', {
  shape: ([x], { shape }) => {
    const result = broadcastShapes(x!.shape, shape)
    if (!sameShape(result, shape)) throw new Misfit(`it does not stretch to ${shapeText(shape)}`)
    return result
  },
  onnx: (g, [x], { output }) => g.node('Expand', [x!, g.dims(output.shape)]),
  gradient: ({ inputs: [x], dy }) => [unbroadcast(dy, x!.shape)],
})

/** x stretched to a shape that it broadcasts to. */
export function expand(x: Tensor, shape: readonly Dim[]): Tensor {
  return sameShape(x.shape, shape) ? x : expandOp([x], { shape })
}

const concatOp = defineOp<{ axis: number }>('concat', {
  attributes: ([first], { axis }) => ({ axis: wrapAxis(axis, first!.shape.length) }),
  shape: (inputs, { axis }) => {
    const first = inputs[0]!.shape
    if (inputs.some((x) => x.dtype !== inputs[0]!.dtype)) throw new Misfit('the element types differ')
    for (const x of inputs)
      if (x.shape.length !== first.length || x.shape.some((d, i) => i !== axis && !sameDim(d, first[i]!)))
        throw new Misfit(`the operands differ outside axis ${axis}`)
    return first.map((d, i) => (i === axis ? addDims(...inputs.map((x) => x.shape[axis]!)) : d))
  },
  onnx: (g, inputs, { attributes: { axis } }) => g.node('Concat', inputs, { axis }),
  gradient: ({ inputs, dy, attributes: { axis } }) => {
    let start: Dim = 0
    return inputs.map((x) => {
      const end: Dim = addDims(start, x.shape[axis]!)
      const part = slice(dy, axis, start, end)
      start = end
      return part
    })
  },
})

/** Tensors one after the other along an axis. */
export function concat(inputs: readonly Tensor[], axis: number): Tensor {
  const only = inputs.length === 1 ? inputs[0] : undefined
  return only ?? concatOp(inputs, { axis })
}

const sliceOp = defineOp<{ axis: number; start: Dim; end: Dim }>('slice', {
  attributes: ([x], { axis, ...range }) => ({ axis: wrapAxis(axis, x!.shape.length), ...range }),
  shape: ([x], { axis, start, end }) => {
    const size = x!.shape[axis]!
    if (!isOrdered(0, start) || !isOrdered(start, end) || !isOrdered(end, size))
      throw new Misfit(`rows ${dimText(start)} to ${dimText(end)} do not lie in axis ${axis}`)
    return x!.shape.map((d, i) => (i === axis ? subDims(end, start) : d))
  },
  onnx: (g, [x], { attributes: { axis, start, end } }) =>
    g.node('Slice', [x!, g.dims([start]), g.dims([end]), g.ints([axis])]),
  gradient: ({ inputs: [x], dy, attributes: { axis, start, end } }) => [
    pad(dy, axis, start, subDims(x!.shape[axis]!, end)),
  ],
})

/** Elements `start` (included) to `end` (excluded) along an axis. */
export function slice(x: Tensor, axis: number, start: Dim, end: Dim): Tensor {
  const size = x.shape.at(axis)
  const isWhole = start === 0 && size !== undefined && sameDim(end, size)
  return isWhole ? x : sliceOp([x], { axis, start, end })
}

/** a ≤ b as far as it is known before the program runs. */
function isOrdered(a: Dim, b: Dim): boolean {
  const difference = subDims(b, a)
  return typeof difference !== 'number' || difference >= 0
}

/**
 * x turned along an axis of known size by `by` places: element i goes to place i + by, around the end. A `by` below zero
 * turns towards the beginning. As `torch.roll`.
 */
export function roll(x: Tensor, axis: number, by: number): Tensor {
  const size = x.shape.at(axis) as number
  const start = ((-by % size) + size) % size
  if (start === 0) return x
  return concat([slice(x, axis, start, size), slice(x, axis, 0, start)], axis)
}

/** x cut along an axis into parts of the given sizes. */
export function split(x: Tensor, axis: number, sizes: readonly Dim[]): Tensor[] {
  let start: Dim = 0
  return sizes.map((size) => {
    const end: Dim = addDims(start, size)
    const part = slice(x, axis, start, end)
    start = end
    return part
  })
}

const padOp = defineOp<{ axis: number; before: Dim; after: Dim }>('pad', {
  attributes: ([x], { axis, ...sides }) => ({ axis: wrapAxis(axis, x!.shape.length), ...sides }),
  shape: ([x], { axis, before, after }) =>
    x!.shape.map((d, i) => (i === axis ? addDims(before, d, after) : d)),
  onnx: (g, [x], { inputs, attributes: { axis, before, after } }) => {
    const rank = inputs[0]!.shape.length
    const sides = Array<Dim>(2 * rank).fill(0)
    sides[axis] = before
    sides[axis + rank] = after
    return g.node('Pad', [x!, g.dims(sides)])
  },
  gradient: ({ inputs: [x], dy, attributes: { axis, before } }) => [
    slice(dy, axis, before, addDims(before, x!.shape[axis]!)),
  ],
})

/** x with zeros before and after it along an axis. */
export function pad(x: Tensor, axis: number, before: Dim, after: Dim): Tensor {
  return before === 0 && after === 0 ? x : padOp([x], { axis, before, after })
}

const dimensionOp = defineOp<{ value: Dim }>('dimension', {
  shape: () => [],
  dtype: () => 'i64',
  onnx: (g, _, { attributes: { value } }) => g.node('Reshape', [g.dims([value]), g.ints([])]),
})

/** The value of a symbolic dimension as an i64 scalar; `anchor` is any tensor that depends on it. */
export function dimension(value: Dim, anchor: Tensor): Tensor {
  return dimensionOp([anchor], { value })
}
