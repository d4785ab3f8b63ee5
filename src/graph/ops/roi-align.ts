import { type Dim, sameDim } from '../dim.ts'
import type { OnnxGraph } from '../onnx/graph.ts'
import { defineOp, Misfit } from '../op.ts'
import type { Tensor } from '../tensor.ts'
import { scatterAddRows } from './gather.ts'
import { matmul } from './matmul.ts'
import { reshape, transposeLast } from './shape.ts'

/** How boxes become samples of a map, under torchvision's names. */
export interface RoiAlignAttributes {
  /** Rows and columns of the result. */
  readonly outputSize: readonly [rows: number, columns: number]
  /** Cells of the map for one unit of the boxes. */
  readonly spatialScale: number
  /** Samples for each cell of the result along each axis; 0: ⌈box/cells⌉, so that the spacing is at most one cell. */
  readonly samplingRatio: number
  /** Cells have their centres at half units; without, a box is at least one cell large (the older rule). */
  readonly aligned: boolean
}

const roiAlignOp = defineOp<RoiAlignAttributes>('roiAlign', {
  shape: ([maps, boxes, pictures], { outputSize }) => {
    if (maps!.shape.length !== 4) throw new Misfit('the maps are not [B, C, h, w]')
    requireBoxes(boxes!)
    if (pictures!.dtype !== 'i64' || pictures!.shape.length !== 1)
      throw new Misfit('the pictures are not i64 [n]')
    if (!sameDim(pictures!.shape[0]!, boxes!.shape[0]!))
      throw new Misfit('there is not one picture for each box')
    return [boxes!.shape[0]!, maps!.shape[1]!, ...outputSize]
  },
  onnx: (g, inputs, { attributes: { outputSize, spatialScale, samplingRatio, aligned } }) =>
    g.node('RoiAlign', inputs, {
      output_height: outputSize[0],
      output_width: outputSize[1],
      spatial_scale: { float: spatialScale },
      sampling_ratio: samplingRatio,
      coordinate_transformation_mode: aligned ? 'half_pixel' : 'output_half_pixel',
    }),
  // Sampling is linear and separable: Y = R·X·Cᵀ with a weight matrix for each axis of each box.
  gradient: ({ inputs: [maps, boxes, pictures], dy, attributes }) => {
    const [, , height, width] = maps!.shape as [Dim, Dim, Dim, Dim]
    const [n] = boxes!.shape as [Dim]
    const [outputRows, outputColumns] = attributes.outputSize
    const rows = roiAxisWeights(boxes!, 'y', height, attributes)
    const columns = roiAxisWeights(boxes!, 'x', width, attributes)
    const across = matmul(dy, reshape(columns, [n, 1, outputColumns, width]))
    const spread = matmul(transposeLast(reshape(rows, [n, 1, outputRows, height])), across) // [n, C, h, w]
    return [scatterAddRows(spread, pictures!, maps!.shape), undefined, undefined]
  },
})

/**
 * RoIAlign by averages of bilinear samples: maps [B, C, h, w], boxes [n, 4] f32 (x0, y0, x1, y1), pictures [n] i64 (which
 * map each box is of) → [n, C, rows, columns]. Samples beyond [−1, size] are 0, those within are clamped to the map.
 * No gradient reaches the boxes. Boxes should lie in or near the picture: with `samplingRatio` 0 the work grows with
 * their area. Source: Mask R-CNN (arXiv 1703.06870), torchvision `roi_align`; golden case `mgllava-roialign`.
 */
export function roiAlign(
  maps: Tensor,
  boxes: Tensor,
  pictures: Tensor,
  attributes: RoiAlignAttributes,
): Tensor {
  return roiAlignOp([maps, boxes, pictures], attributes)
}

interface AxisAttributes extends RoiAlignAttributes {
  readonly axis: 'x' | 'y'
  readonly size: Dim
}

const axisWeightsOp = defineOp<AxisAttributes>('roiAxisWeights', {
  shape: ([boxes], { axis, size, outputSize }) => {
    requireBoxes(boxes!)
    return [boxes!.shape[0]!, outputSize[axis === 'y' ? 0 : 1], size]
  },
  onnx: (g, [boxes], { attributes }) => {
    const cells = attributes.outputSize[attributes.axis === 'y' ? 0 : 1]
    const { start, extent } = boxExtent(g, boxes!, attributes) // [n, 1, 1, 1]
    const step = g.node('Div', [extent, g.float(cells)])
    const samples = attributes.samplingRatio > 0 ? g.float(attributes.samplingRatio) : g.node('Ceil', [step])
    const divisor = g.node('Max', [samples, g.float(1)])
    const sample = unsqueeze(g, range(g, g.node('ReduceMax', [samples], { keepdims: 0 })), [1]) // [k, 1]
    const cell = unsqueeze(g, range(g, g.float(cells)), [1, 2]) // [cells, 1, 1]
    // start + cell·step + (sample + ½)·step/samples: [n, cells, k, 1]
    const within = g.node('Div', [g.node('Add', [sample, g.float(0.5)]), divisor])
    const places = g.node('Add', [start, g.node('Mul', [g.node('Add', [cell, within]), step])])
    const size = g.node('Cast', [g.node('Reshape', [g.dims([attributes.size]), g.ints([])])], { to: 1 })
    const isSeen = [
      g.node('Less', [sample, samples]),
      g.node('GreaterOrEqual', [places, g.float(-1)]),
      g.node('LessOrEqual', [places, size]),
    ].reduce((a, b) => g.node('And', [a, b]))
    const last = g.node('Sub', [size, g.float(1)])
    const clamped = g.node('Min', [g.node('Max', [places, g.float(0)]), last])
    const distance = g.node('Abs', [g.node('Sub', [clamped, range(g, size)])]) // [n, cells, k, size]
    const tent = g.node('Relu', [g.node('Sub', [g.float(1), distance])])
    const seen = g.node('Where', [isSeen, tent, g.float(0)])
    const mean = g.node('Div', [g.node('ReduceSum', [seen, g.ints([2])]), divisor]) // [n, cells, 1, size]
    return g.node('Squeeze', [mean, g.ints([2])])
  },
})

/**
 * The weights with which each row (axis `y`) or column (`x`) of a map enters those of RoIAlign's result, so that the
 * result is rows·map·columnsᵀ. boxes [n, 4] → [n, cells, size].
 */
export function roiAxisWeights(
  boxes: Tensor,
  axis: 'x' | 'y',
  size: Dim,
  attributes: RoiAlignAttributes,
): Tensor {
  return axisWeightsOp([boxes], { ...attributes, axis, size })
}

/** Where each box starts on the map's axis and how far it reaches, [n, 1, 1, 1] each. */
function boxExtent(
  g: OnnxGraph,
  boxes: string,
  { axis, spatialScale, aligned }: AxisAttributes,
): { start: string; extent: string } {
  const edge = (column: number): string => {
    const value = g.node('Gather', [boxes, g.ints([column])], { axis: 1 })
    const scaled = g.node('Mul', [unsqueeze(g, value, [2, 3]), g.float(spatialScale)])
    return aligned ? g.node('Sub', [scaled, g.float(0.5)]) : scaled
  }
  const [start, end] = axis === 'x' ? [edge(0), edge(2)] : [edge(1), edge(3)]
  const extent = g.node('Sub', [end, start])
  return { start, extent: aligned ? extent : g.node('Max', [extent, g.float(1)]) }
}

/** 0, 1, … below a float scalar, as floats. */
function range(g: OnnxGraph, end: string): string {
  return g.node('Range', [g.float(0), end, g.float(1)])
}

function unsqueeze(g: OnnxGraph, x: string, axes: readonly number[]): string {
  return g.node('Unsqueeze', [x, g.ints(axes)])
}

function requireBoxes(boxes: Tensor): void {
  if (boxes.dtype !== 'f32' || boxes.shape.length !== 2 || boxes.shape[1] !== 4)
    throw new Misfit('the boxes are not f32 [n, 4]')
}
