import { addDims, type Dim, dimText, exactQuotient } from '../graph/dim.ts'
import { concat, gelu, linearProduct, pad, reshape, slice, transpose } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Shapes, Weights } from '../graph/weights.ts'
import { channelsFirst, channelsLast } from '../nn/maps.ts'
import { layerNorm } from '../nn/norm.ts'
import { residualConv } from '../nn/residual-conv.ts'
import { GraphError } from '../tensor/errors.ts'

/** Side of the kernels; they overlap by half. */
const KERNEL = 4

/** Of a stem the channels of each stage, and its residual convolutions behind the one that halves; none by default. */
export interface ConvStem {
  readonly channels: readonly number[]
  readonly blocks?: readonly number[] | undefined
}

/**
 * A stem of overlapping convolutions, each halving the map, with norm and GELU, and residual ones between them: a letter is
 * learned once and known wherever it lies, where one product for each patch must learn it at every offset. Pixels
 * [N, 3, H, W] → [N, C, H/2ⁿ, W/2ⁿ], with n stages. Source: Xiao et al., "Early Convolutions Help Transformers See
 * Better" (arXiv 2106.14881), section 4.
 */
export function convStem(w: Weights, pixels: Tensor, { channels, blocks = [] }: ConvStem): Tensor {
  let x = channelsLast(pixels)
  for (const stage of channels.keys()) {
    const weights = w.at(stage)
    x = gelu(layerNorm(weights.at('norm'), halvingConv(weights.at('conv'), x), 1e-6))
    for (let i = 0; i < (blocks[stage] ?? 0); i++) x = residualConv(weights.at('blocks').at(i), x)
  }
  return channelsFirst(x)
}

/** Every weight of the stem and its shape. */
export function convStemShapes({ channels, blocks = [] }: ConvStem): Shapes {
  const shapes: Record<string, readonly number[]> = {}
  for (const [stage, width] of channels.entries()) {
    shapes[`${stage}.conv.weight`] = [width, channels[stage - 1] ?? 3, KERNEL, KERNEL]
    shapes[`${stage}.conv.bias`] = [width]
    shapes[`${stage}.norm.weight`] = [width]
    shapes[`${stage}.norm.bias`] = [width]
    for (let i = 0; i < (blocks[stage] ?? 0); i++) {
      shapes[`${stage}.blocks.${i}.weight`] = [width, width, 3, 3]
      shapes[`${stage}.blocks.${i}.bias`] = [width]
    }
  }
  return shapes
}

/**
 * Convolution of a kernel of 4 with stride 2 and padding 1 as one product, whose gradients are products too. The padded map
 * is taken as cells of two by two places, and each output sees two by two cells. [N, H, W, C] → [N, H/2, W/2, O].
 * @throws GraphError `conv-stem-odd-side` when a side cannot be halved
 */
function halvingConv(w: Weights, x: Tensor): Tensor {
  const [N, height, width, C] = x.shape as [Dim, Dim, Dim, number]
  const [rows, columns] = [half(height), half(width)]
  const [cellRows, cellColumns] = [addDims(rows, 1), addDims(columns, 1)]
  const padded = pad(pad(x, 1, 1, 1), 2, 1, 1)
  const places = reshape(padded, [N, cellRows, 2, cellColumns, 2, C])
  const cells = reshape(transpose(places, [0, 1, 3, 2, 4, 5]), [N, cellRows, cellColumns, 4 * C])
  const seen = [0, 1].flatMap((down) =>
    [0, 1].map((right) =>
      slice(slice(cells, 1, down, addDims(down, rows)), 2, right, addDims(right, columns)),
    ),
  )
  const kernel = w.get('weight')
  const O = kernel.shape[0] as number
  const inOrder = transpose(reshape(kernel, [O, C, 2, 2, 2, 2]), [0, 2, 4, 3, 5, 1])
  return linearProduct(concat(seen, 3), reshape(inOrder, [O, 16 * C]), w.get('bias'))
}

function half(side: Dim): Dim {
  const quotient = exactQuotient(side, 2)
  if (quotient === undefined)
    throw new GraphError('conv-stem-odd-side', `A side of ${dimText(side)} cannot be halved.`, {})
  return quotient
}
