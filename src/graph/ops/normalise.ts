import { type Dim, mulDims, sameDim, sameShape } from '../dim.ts'
import { microsoft, type OnnxGraph } from '../onnx/graph.ts'
import { defineOp, Misfit } from '../op.ts'
import type { Tensor } from '../tensor.ts'
import { exp } from './activation.ts'
import { mul, neg, sub } from './arithmetic.ts'
import { wrapAxis } from './axis.ts'
import { unbroadcast } from './broadcast.ts'
import { matmul } from './matmul.ts'
import { mean, sum } from './reduce.ts'

const softmaxOp = defineOp<{ axis: number }>('softmax', {
  attributes: ([x], { axis }) => ({ axis: wrapAxis(axis, x!.shape.length) }),
  shape: ([x]) => x!.shape,
  onnx: (g, inputs, { attributes: { axis } }) => g.node('Softmax', inputs, { axis }),
  gradient: ({ output: y, dy, attributes: { axis } }) => [mul(sub(dy, along(y, dy, axis)), y)],
})

/**
 * Σ dy·y over an axis. Where y weighs values, o = y·v, and so dy = do·vᵀ, it is Σ do·o, over fewer elements: attention
 * has tokens² of the ones and tokens·size of the others. The engine shares o with the forward pass. Source:
 * FlashAttention (arXiv 2205.14135), appendix B.4.
 */
function along(y: Tensor, dy: Tensor, axis: number): Tensor {
  const { source } = dy
  const isLast = axis === y.shape.length - 1
  if (!isLast || source.kind !== 'node' || source.op.name !== 'matmulTransposed')
    return sum(mul(dy, y), [axis], { keepDims: true })
  const [dOut, values] = source.inputs as [Tensor, Tensor]
  return sum(mul(dOut, matmul(y, values)), [axis], { keepDims: true })
}

/** Softmax over one axis. d/dx = (dy − Σ dy·y)·y. */
export function softmax(x: Tensor, axis = -1): Tensor {
  return softmaxOp([x], { axis })
}

const logSoftmaxOp = defineOp<{ axis: number }>('logSoftmax', {
  attributes: ([x], { axis }) => ({ axis: wrapAxis(axis, x!.shape.length) }),
  shape: ([x]) => x!.shape,
  onnx: (g, inputs, { attributes: { axis } }) => g.node('LogSoftmax', inputs, { axis }),
  gradient: ({ output: y, dy, attributes: { axis } }) => [
    sub(dy, mul(exp(y), sum(dy, [axis], { keepDims: true }))),
  ],
})

/** ln softmax over one axis. d/dx = dy − softmax·Σ dy. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return logSoftmaxOp([x], { axis })
}

interface NormAttributes {
  readonly epsilon: number
}

function requireVectors(x: Tensor, ...vectors: (Tensor | undefined)[]): void {
  for (const v of vectors)
    if (v && !(v.shape.length === 1 && sameDim(v.shape[0]!, x.shape.at(-1)!)))
      throw new Misfit(`scale and bias must be vectors of the last axis (${x.shape.at(-1)})`)
}

/** d of a normalised x̂ back to x for both norms: (g − mean(g)? − x̂·mean(g·x̂))/σ. */
function throughNorm(g: Tensor, normalised: Tensor, inverse: Tensor, isCentred: boolean): Tensor {
  const along = mul(normalised, mean(mul(g, normalised), [-1], { keepDims: true }))
  const centred = isCentred ? sub(g, mean(g, [-1], { keepDims: true })) : g
  return mul(sub(centred, along), inverse)
}

const statisticOp = defineOp<NormAttributes & { statistic: 'mean' | 'inverse'; isCentred: boolean }>(
  'normStatistic',
  {
    shape: ([x]) => [...x!.shape.slice(0, -1), 1],
    onnx: (g, [x, normalised], { attributes: { statistic, isCentred, epsilon } }) => {
      if (g.target.device === 'cpu' || g.target.device === 'wasm')
        return g.furtherOutput(normalised!, isCentred && statistic === 'inverse' ? 2 : 1)
      const meanOf = (value: string): string => g.node('ReduceMean', [value, g.ints([-1])])
      const middle = isCentred ? meanOf(x!) : g.float(0)
      if (statistic === 'mean') return middle
      const distance = g.node('Sub', [x!, middle])
      const variance = meanOf(g.node('Mul', [distance, distance]))
      return g.node('Reciprocal', [g.node('Sqrt', [g.node('Add', [variance, g.float(epsilon)])])])
    },
  },
)

/** x normalised, before scale and bias, and 1/σ, out of what the forward pass found. */
function normalisedAgain(
  x: Tensor,
  y: Tensor,
  attributes: NormAttributes & { isCentred: boolean },
): { normalised: Tensor; inverse: Tensor } {
  const inverse = statisticOp([x, y], { ...attributes, statistic: 'inverse' })
  const centred = attributes.isCentred ? sub(x, statisticOp([x, y], { ...attributes, statistic: 'mean' })) : x
  return { normalised: mul(centred, inverse), inverse }
}

const layerNormOp = defineOp<NormAttributes>('layerNorm', {
  shape: ([x, scale, bias]) => {
    requireVectors(x!, scale, bias)
    return x!.shape
  },
  onnx: (g, inputs, { attributes: { epsilon } }) =>
    g.node('LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } }),
  gradient: ({ inputs: [x, scale, bias], output, dy, attributes: { epsilon } }) => {
    const { normalised, inverse } = normalisedAgain(x!, output, { epsilon, isCentred: true })
    return [
      throughNorm(mul(dy, scale!), normalised, inverse, true),
      unbroadcast(mul(dy, normalised), scale!.shape),
      bias && unbroadcast(dy, bias.shape),
    ]
  },
})

/** (x − mean)/√(var + ε)·scale + bias over the last axis. */
export function layerNormalise(x: Tensor, scale: Tensor, bias: Tensor | undefined, epsilon: number): Tensor {
  return layerNormOp(bias ? [x, scale, bias] : [x, scale], { epsilon })
}

const rmsNormOp = defineOp<NormAttributes>('rmsNorm', {
  shape: ([x, scale]) => {
    requireVectors(x!, scale)
    return x!.shape
  },
  // ONNX Runtime registers this contrib op in the default domain.
  onnx: (g, inputs, { attributes: { epsilon } }) =>
    g.node('SimplifiedLayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } }),
  gradient: ({ inputs: [x, scale], output, dy, attributes: { epsilon } }) => {
    const { normalised, inverse } = normalisedAgain(x!, output, { epsilon, isCentred: false })
    return [
      throughNorm(mul(dy, scale!), normalised, inverse, false),
      unbroadcast(mul(dy, normalised), scale!.shape),
    ]
  },
})

/** x/√(mean(x²) + ε)·scale over the last axis. */
export function rmsNormalise(x: Tensor, scale: Tensor, epsilon: number): Tensor {
  return rmsNormOp([x, scale], { epsilon })
}

const rotaryOp = defineOp('rotary', {
  shape: ([x, cos, sin]) => {
    const size = x!.shape.at(-1)!
    const half = cos!.shape.at(-1)!
    if (typeof size !== 'number' || half !== size / 2 || !sameDim(sin!.shape.at(-1)!, half))
      throw new Misfit('cos and sin must have half as many columns as the heads')
    return x!.shape
  },
  onnx: (g, [x, cos, sin], { inputs }) => {
    if (g.target.device === 'cpu' && isByPosition(inputs))
      return rotaryEmbedding(g, [x!, cos!, sin!], inputs[0]!)
    const [low, high] = g.nodeOutputs('Split', [x!], { axis: -1, num_outputs: 2 }, 2)
    const rotatedLow = g.node('Sub', [g.node('Mul', [low!, cos!]), g.node('Mul', [high!, sin!])])
    const rotatedHigh = g.node('Add', [g.node('Mul', [high!, cos!]), g.node('Mul', [low!, sin!])])
    return g.node('Concat', [rotatedLow, rotatedHigh], { axis: -1 })
  },
  gradient: ({ inputs: [, cos, sin], dy }) => [rotary(dy, cos!, neg(sin!)), undefined, undefined],
})

/** Whether heads [B, H, T, D] are rotated by tables [B, 1, T, D/2]. */
function isByPosition([x, cos, sin]: readonly Tensor[]): boolean {
  const [B, , T] = x!.shape
  return (
    x!.shape.length === 4 &&
    [cos!, sin!].every(({ shape }) => shape.length === 4 && sameShape(shape.slice(0, 3), [B!, 1, T!]))
  )
}

/**
 * The rotation as the engine's own op, one instead of eight. It looks rows up in tables by position: the tables of all
 * tokens one below the other, and 0, 1, 2, … as the positions. The engine shares what all layers repeat.
 */
function rotaryEmbedding(
  g: OnnxGraph,
  [x, cos, sin]: readonly [string, string, string],
  { shape }: Tensor,
): string {
  const [B, , T, size] = shape as [Dim, Dim, Dim, number]
  const count = g.node('ReduceProd', [g.dims([B, T])], { keepdims: 0 })
  const order = g.node('Range', [g.whole(0), count, g.whole(1)])
  const positions = g.node('Reshape', [order, g.dims([B, T])], { allowzero: 1 })
  const tables = [cos, sin].map((table) =>
    g.node('Reshape', [table, g.dims([mulDims(B, T), size / 2])], { allowzero: 1 }),
  )
  return g.node('RotaryEmbedding', [x, positions, ...tables], { interleaved: 0 }, microsoft)
}

/**
 * Rotates the pairs (k, k + D/2) of each head by the angles whose cosines and sines are given.
 * x [..., D], cos and sin [..., D/2] (broadcast over heads) → [..., D]. The inverse rotation is its gradient.
 */
export function rotary(x: Tensor, cos: Tensor, sin: Tensor): Tensor {
  return rotaryOp([x, cos, sin], {})
}
