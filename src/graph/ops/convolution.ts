import { addDims, type Dim, floorDivDims, mulDims, sameDim } from '../dim.ts'
import { defineOp, Misfit } from '../op.ts'
import type { Tensor } from '../tensor.ts'
import { sum } from './reduce.ts'
import { reshape, slice, transpose } from './shape.ts'

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
    bias && sum(dy, [0, ...dy.shape.keys()].filter((axis, i) => i === 0 || axis > 1)),
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
  shape: ([x, w], { stride, padding, groups, outputPadding }) => [
    x!.shape[0]!,
    mulDims(w!.shape[1]!, groups),
    ...stride.map((s, i) =>
      addDims(mulDims(addDims(x!.shape[i + 2]!, -1), s), w!.shape[i + 2]!, outputPadding[i]! - 2 * padding[i]!),
    ),
  ],
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

/** What a strided convolution leaves over at the end of each axis must be restored by output padding. */
function convGradientInput(x: Tensor, w: Tensor, dy: Tensor, attributes: ConvAttributes): Tensor {
  const leftover = attributes.stride.map((stride, i) => {
    const size = x.shape[i + 2]!
    const kernel = w.shape[i + 2] as number
    // Non-overlapping patches over a symbolic size are taken to divide it, as every patch embedding requires.
    return typeof size === 'number' ? (size + 2 * attributes.padding[i]! - kernel) % stride : 0
  })
  return convTransposeOp([dy, w], { ...attributes, outputPadding: leftover })
}

/**
 * d loss / d kernel: for every kernel cell, the inputs that it meets (a strided slice) times dy. Written with
 * slices and sums, since no ONNX op convolves over the batch with dilation and groups at once.
 */
function convGradientWeight(x: Tensor, w: Tensor, dy: Tensor, attributes: ConvAttributes): Tensor {
  return convWeightOp([x, dy, w], attributes)
}

const convWeightOp = defineOp<ConvAttributes>('convWeightGradient', {
  shape: ([, , w]) => w!.shape,
  onnx: (g, [x, dy], { inputs, attributes: { stride, padding, groups } }) => {
    // Convolve x (channels as batch) with dy (batch as channels), dilated by the stride:
    // [C, B, ...] * [O, B, ...] → [C, O, ...], group by group.
    const swap = [1, 0, ...inputs[0]!.shape.slice(2).map((_, i) => i + 2)]
    const spatial = stride.length
    const kernel = inputs[2]!.shape.slice(2) as number[]
    const xs = groups === 1 ? [x!] : g.nodeOutputs('Split', [x!], { axis: 1, num_outputs: groups }, groups)
    const dys = groups === 1 ? [dy!] : g.nodeOutputs('Split', [dy!], { axis: 1, num_outputs: groups }, groups)
    const parts = xs.map((part, i) => {
      const product = g.node(
        'Conv',
        [g.node('Transpose', [part], { perm: swap }), g.node('Transpose', [dys[i]!], { perm: swap })],
        { dilations: stride, pads: [...padding, ...padding] },
      )
      // Rows left over by the stride would give extra kernel cells: cut them off.
      const cut = g.node('Slice', [
        product,
        g.ints(Array(spatial).fill(0)),
        g.ints(kernel),
        g.ints(kernel.map((_, axis) => axis + 2)),
      ])
      return g.node('Transpose', [cut], { perm: swap })
    })
    return parts.length === 1 ? parts[0]! : g.node('Concat', parts, { axis: 0 })
  },
})

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
  return reshape(transpose(cells, [0, 2, 4, 1, 3, 5]), [batch, mulDims(rows, columns), mulDims(channels, patch * patch)])
}

