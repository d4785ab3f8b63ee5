import { addDims, type Dim, exactQuotient, floorDivDims, mulDims, sameDim, subDims } from '../dim.ts'
import type { OnnxGraph } from '../onnx/graph.ts'
import { defineOp, Misfit } from '../op.ts'
import type { Tensor } from '../tensor.ts'
import { sum } from './reduce.ts'
import { pad, reshape, slice, transpose } from './shape.ts'

/** Stride and zero padding of each spatial axis, and the number of channel groups. */
export interface ConvAttributes {
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly groups: number
}

const convOp = defineOp<ConvAttributes>('conv', {
  shape: ([x, w, bias], { stride, padding, groups }) => {
    const spatial = x!.shape.length - 2
    if (w!.shape.length !== spatial + 2 || stride.length !== spatial || padding.length !== spatial)
      throw new Misfit(`a kernel of rank ${w!.shape.length} does not fit`)
    if (!sameDim(x!.shape[1]!, mulDims(w!.shape[1]!, groups)))
      throw new Misfit(`the kernel takes ${mulDims(w!.shape[1]!, groups)} channels`)
    if (bias && !sameDim(bias.shape[0]!, w!.shape[0]!)) throw new Misfit('the bias does not fit the kernel')
    const sizes = stride.map((s, i) => outputSize(x!.shape[i + 2]!, w!.shape[i + 2]!, s, padding[i]!))
    return [x!.shape[0]!, w!.shape[0]!, ...sizes]
  },
  onnx: (g, inputs, { attributes: { stride, padding, groups } }) =>
    g.node('Conv', inputs, { strides: stride, pads: [...padding, ...padding], group: groups }),
  gradient: ({ inputs: [x, w, bias], dy, attributes }) => [
    convGradientInput(x!, w!, dy, attributes),
    convGradientWeight(x!, w!, dy, attributes),
    bias &&
      sum(
        dy,
        [0, ...dy.shape.keys()].filter((axis, i) => i === 0 || axis > 1),
      ),
  ],
})

/** Convolution: x [B, C, ...], w [O, C/groups, ...] → [B, O, ...]. */
export function conv(x: Tensor, w: Tensor, bias: Tensor | undefined, attributes: ConvAttributes): Tensor {
  return convOp(bias ? [x, w, bias] : [x, w], attributes)
}

function outputSize(size: Dim, kernel: Dim, stride: number, padding: number): Dim {
  return addDims(floorDivDims(addDims(size, 2 * padding, mulDims(kernel, -1)), stride), 1)
}

const convTransposeOp = defineOp<ConvAttributes & { outputPadding: readonly number[] }>('convTranspose', {
  shape: ([x, w], { stride, padding, groups, outputPadding }) => {
    if (w!.shape.length !== x!.shape.length || stride.length !== x!.shape.length - 2)
      throw new Misfit(`a kernel of rank ${w!.shape.length} with ${stride.length} strides does not fit`)
    if (!sameDim(x!.shape[1]!, w!.shape[0]!)) throw new Misfit(`the kernel takes ${w!.shape[0]} channels`)
    const sizes = stride.map((s, i) =>
      addDims(
        mulDims(addDims(x!.shape[i + 2]!, -1), s),
        w!.shape[i + 2]!,
        outputPadding[i]! - 2 * padding[i]!,
      ),
    )
    return [x!.shape[0]!, mulDims(w!.shape[1]!, groups), ...sizes]
  },
  onnx: (g, inputs, { attributes: { stride, padding, groups, outputPadding } }) =>
    g.node('ConvTranspose', inputs, {
      strides: stride,
      pads: [...padding, ...padding],
      group: groups,
      output_padding: outputPadding,
    }),
  gradient: ({ inputs: [x, w], dy, attributes }) => [
    convOp([dy, w!], attributes),
    convGradientWeight(dy, w!, x!, attributes),
  ],
})

/** The transpose of `conv` with the same attributes: x [B, O, ...], w [O, C/groups, ...] → [B, C, ...]. */
export function convTranspose(
  x: Tensor,
  w: Tensor,
  attributes: ConvAttributes & { readonly outputPadding: readonly number[] },
): Tensor {
  return convTransposeOp([x, w], attributes)
}

/** What a strided convolution leaves over at the end of each axis must be restored. */
function convGradientInput(x: Tensor, w: Tensor, dy: Tensor, attributes: ConvAttributes): Tensor {
  const { stride, padding } = attributes
  const spans = padding.map((p, i) => addDims(x.shape[i + 2]!, 2 * p))
  const leftover = stride.map((s, i) => {
    const steps = subDims(spans[i]!, w.shape[i + 2]!)
    if (typeof steps === 'number') return steps % s
    return exactQuotient(steps, s) === undefined ? undefined : 0
  })
  if (leftover.every((size) => size !== undefined))
    return convTransposeOp([dy, w], { ...attributes, outputPadding: leftover })
  // A leftover known only at run time: undo the convolution over the padded axes, then cut the padding off.
  const none = padding.map(() => 0)
  const wide = convTransposeOp([dy, w], { ...attributes, padding: none, outputPadding: none })
  return padding.reduce((dx, p, i) => {
    const whole = pad(dx, i + 2, 0, subDims(spans[i]!, dx.shape[i + 2]!))
    return slice(whole, i + 2, p, addDims(p, x.shape[i + 2]!))
  }, wide)
}

/** d loss / d kernel: for every kernel cell, the inputs that it meets times dy, summed over batch and places. */
function convGradientWeight(x: Tensor, w: Tensor, dy: Tensor, attributes: ConvAttributes): Tensor {
  return convWeightOp([x, dy, w], attributes)
}

const convWeightOp = defineOp<ConvAttributes>('convWeightGradient', {
  shape: ([, , w]) => w!.shape,
  // A convolution itself: the batch takes the place of the channels, the stride that of the dilation.
  // x [C/g, g·B, ...] * dy [O, B, ...] → [C/g, O, ...].
  onnx: (g, [x, dy], { inputs, attributes: { stride, padding, groups } }) => {
    const kernel = inputs[2]!.shape.slice(2) as number[]
    const swap = [1, 0, ...kernel.map((_, i) => i + 2)]
    const product = g.node(
      'Conv',
      [groupsToBatch(g, x!, inputs[0]!, groups), g.node('Transpose', [dy!], { perm: swap })],
      { dilations: stride, pads: [...padding, ...padding], group: groups },
    )
    // Rows left over by the stride would give extra kernel cells: cut them off.
    const starts = g.ints(kernel.map(() => 0))
    const cut = g.node('Slice', [product, starts, g.ints(kernel), g.ints(kernel.map((_, i) => i + 2))])
    return g.node('Transpose', [cut], { perm: swap })
  },
})

/** [B, g·C, ...] → [C, g·B, ...]. */
function groupsToBatch(g: OnnxGraph, x: string, { shape }: Tensor, groups: number): string {
  const [batch, channels, ...sizes] = shape as [Dim, Dim, ...Dim[]]
  if (groups === 1) return g.node('Transpose', [x], { perm: [1, 0, ...sizes.map((_, i) => i + 2)] })
  const width = exactQuotient(channels, groups)!
  const cells = g.node('Reshape', [x, g.dims([batch, groups, width, ...sizes])])
  const turned = g.node('Transpose', [cells], { perm: [2, 1, 0, ...sizes.map((_, i) => i + 3)] })
  return g.node('Reshape', [turned, g.dims([width, mulDims(groups, batch), ...sizes])])
}

/**
 * Convolution whose stride equals its kernel (patch embedding), as one product over flattened patches.
 * x [B, C, h·p, w·p], kernel [O, C, p, p] → [B, h·w, O], rows of patches from top left.
 */
export function patchify(x: Tensor, patch: number): Tensor {
  const [batch, channels, height, width] = x.shape as [Dim, Dim, Dim, Dim]
  const rows = floorDivDims(height, patch)
  const columns = floorDivDims(width, patch)
  const whole = slice(slice(x, 2, 0, mulDims(rows, patch)), 3, 0, mulDims(columns, patch))
  const cells = reshape(whole, [batch, channels, rows, patch, columns, patch])
  return reshape(transpose(cells, [0, 2, 4, 1, 3, 5]), [
    batch,
    mulDims(rows, columns),
    mulDims(channels, patch * patch),
  ])
}
