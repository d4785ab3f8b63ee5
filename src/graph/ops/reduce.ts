import { type Dim, mulDims } from '../dim.ts'
import { defineOp, Misfit } from '../op.ts'
import type { Tensor } from '../tensor.ts'
import { cast, div, equal, mul } from './arithmetic.ts'
import { wrapAxis } from './axis.ts'
import { dimension, expand, reshape } from './shape.ts'

interface ReduceAttributes {
  readonly axes: readonly number[]
  readonly keepDims: boolean
}

function reducedShape(shape: readonly Dim[], { axes, keepDims }: ReduceAttributes): Dim[] {
  const reduced = new Set(axes.map((axis) => wrapAxis(axis, shape.length)))
  return keepDims ? shape.map((d, i) => (reduced.has(i) ? 1 : d)) : shape.filter((_, i) => !reduced.has(i))
}

/** A reduced tensor spread again over the shape that it was reduced from. */
function spread(y: Tensor, x: Tensor, attributes: ReduceAttributes): Tensor {
  const kept = reducedShape(x.shape, { ...attributes, keepDims: true })
  return expand(attributes.keepDims ? y : reshape(y, kept), x.shape)
}

const sumOp = defineOp<ReduceAttributes>('sum', {
  shape: ([x], attributes) => reducedShape(x!.shape, attributes),
  onnx: (g, [x], { attributes: { axes, keepDims } }) =>
    g.node('ReduceSum', [x!, g.ints(axes)], { keepdims: Number(keepDims) }),
  gradient: ({ inputs: [x], dy, attributes }) => [spread(dy, x!, attributes)],
})

const maxOp = defineOp<ReduceAttributes>('max', {
  shape: ([x], attributes) => reducedShape(x!.shape, attributes),
  onnx: (g, [x], { attributes: { axes, keepDims } }) =>
    g.node('ReduceMax', [x!, g.ints(axes)], { keepdims: Number(keepDims) }),
  // Equal maxima share the gradient, as in PyTorch's amax.
  gradient: ({ inputs: [x], output, dy, attributes }) => {
    const isMax = cast(equal(x!, spread(output, x!, attributes)), 'f32')
    const count = sum(isMax, attributes.axes, { keepDims: attributes.keepDims })
    return [mul(isMax, spread(div(dy, count), x!, attributes))]
  },
})

const allAxes = (x: Tensor): number[] => x.shape.map((_, i) => i)

/** The sum over axes (all of them by default). */
export function sum(
  x: Tensor,
  axes: readonly number[] = allAxes(x),
  options: { keepDims?: boolean } = {},
): Tensor {
  return axes.length === 0 ? x : sumOp([x], { axes, keepDims: options.keepDims ?? false })
}

/** The mean over axes (all of them by default). */
export function mean(
  x: Tensor,
  axes: readonly number[] = allAxes(x),
  options: { keepDims?: boolean } = {},
): Tensor {
  const total = sum(x, axes, options)
  const count = mulDims(...axes.map((axis) => x.shape.at(axis)!))
  return div(total, typeof count === 'number' ? count : cast(dimension(count, x), 'f32'))
}

/** The largest element over axes. */
export function max(
  x: Tensor,
  axes: readonly number[] = allAxes(x),
  options: { keepDims?: boolean } = {},
): Tensor {
  return maxOp([x], { axes, keepDims: options.keepDims ?? false })
}

const argMaxOp = defineOp<{ axis: number }>('argMax', {
  shape: ([x], { axis }) => reducedShape(x!.shape, { axes: [axis], keepDims: false }),
  dtype: () => 'i64',
  onnx: (g, [x], { attributes: { axis } }) => g.node('ArgMax', [x!], { axis, keepdims: 0 }),
})

/** The index of the (first) largest element along an axis, i64. */
export function argMax(x: Tensor, axis: number): Tensor {
  return argMaxOp([x], { axis })
}

const topKOp = defineOp<{ k: number }>('topKIndices', {
  shape: ([x], { k }) => {
    const last = x!.shape.at(-1)
    if (typeof last === 'number' && k > last) throw new Misfit(`the last axis holds fewer than ${k} elements`)
    return [...x!.shape.slice(0, -1), k]
  },
  dtype: () => 'i64',
  onnx: (g, [x], { attributes: { k } }) => g.nodeOutputs('TopK', [x!, g.ints([k])], { axis: -1 }, 2)[1]!,
})

/** The indices of the k largest elements along the last axis, largest first, i64; the values are a gather away. */
export function topKIndices(x: Tensor, k: number): Tensor {
  return topKOp([x], { k })
}

const cumSumOp = defineOp<{ axis: number; reverse: boolean }>('cumSum', {
  attributes: ([x], { axis, reverse }) => ({ axis: wrapAxis(axis, x!.shape.length), reverse }),
  shape: ([x]) => x!.shape,
  onnx: (g, [x], { attributes: { axis, reverse } }) =>
    g.node('CumSum', [x!, g.ints([axis])], { reverse: Number(reverse) }),
  gradient: ({ dy, attributes: { axis, reverse } }) => [runningSum(dy, axis, !reverse)],
})

function runningSum(x: Tensor, axis: number, reverse: boolean): Tensor {
  return cumSumOp([x], { axis, reverse })
}

/** Running sums along an axis. */
export function cumSum(x: Tensor, axis: number): Tensor {
  return runningSum(x, axis, false)
}
