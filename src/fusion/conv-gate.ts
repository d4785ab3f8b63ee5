import { type Dim, mulDims, sameDim } from '../graph/dim.ts'
import { add, concat, gelu, mean, mul, reshape, tanh } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Shapes, Weights } from '../graph/weights.ts'
import { conv2d, pointwise } from '../nn/conv.ts'
import { linear } from '../nn/linear.ts'
import { mapTokens, tokenMaps } from '../nn/maps.ts'
import { GraphError } from '../tensor/errors.ts'

/** Tokens of both encoders, each on its own path, before they are put together: [B, T, c] each. */
export interface ConvPaths {
  readonly low: Tensor
  readonly high: Tensor
}

/**
 * MG-LLaVA's Conv-Gate: the high-resolution features, scaled by one gate a picture, added to the low-resolution
 * tokens. low [B, T, c], high [B, C, √T, √T] → [B, T, c]. Zero-initialised projections make it start as plain LLaVA.
 * Source: MG-LLaVA (arXiv 2406.17770), section 3.2, after LLaVA-HR's adapter; the paper's "1-D convolutions" are 1×1
 * and 7×7 ones, and its gate is one scalar. Golden case `mgllava-fuse`.
 */
export function convGate(w: Weights, low: Tensor, high: Tensor): Tensor {
  const paths = convPaths(w, low, high)
  return add(paths.low, gated(w.at('gate'), paths))
}

/** Ablation `fuse_model` 1: low and gated high tokens side by side. → [B, T, 2c]. */
export function gateConcat(w: Weights, low: Tensor, high: Tensor): Tensor {
  const paths = convPaths(w, low, high)
  return concat([paths.low, gated(w.at('gate'), paths)], 2)
}

/** Ablation `fuse_model` 2: both paths side by side, without a gate. → [B, T, 2c]. */
export function convConcat(w: Weights, low: Tensor, high: Tensor): Tensor {
  const paths = convPaths(w, low, high)
  return concat([paths.low, paths.high], 2)
}

/** What the resampler looks at: the tokens of both paths one after the other. → [B, 2T, c]. */
export function convSequence(w: Weights, low: Tensor, high: Tensor): Tensor {
  const paths = convPaths(w, low, high)
  return concat([paths.low, paths.high], 1)
}

/** Ablation `fuse_model` 3: low tokens and high map side by side, without any layer. → [B, T, c + C]. */
export function channelConcat(low: Tensor, high: Tensor): Tensor {
  requireSameGrid(low, high)
  return concat([low, mapTokens(high)], 2)
}

/**
 * The slow path, 1×1 → GELU → 1×1, narrows the high-resolution map to c channels; the fast path adds what a depthwise
 * 7×7 → GELU → 1×1 finds to the low-resolution tokens.
 */
export function convPaths(w: Weights, low: Tensor, high: Tensor): ConvPaths {
  requireSameGrid(low, high)
  const slow = pointwise(w.at('slow_proj'), gelu(pointwise(w.at('slow_conv'), mapTokens(high))))
  const local = conv2d(w.at('fast_conv'), tokenMaps(low), { padding: 3, isDepthwise: true })
  const fast = pointwise(w.at('fast_proj'), gelu(mapTokens(local)))
  return { low: add(low, fast), high: tap('fusion.high', slow) }
}

/** tanh(g)·high with one g a picture, from the mean of both over the tokens. */
function gated(w: Weights, { low, high }: ConvPaths): Tensor {
  const pooled = mean(concat([low, high], 2), [1]) // [B, 2c]
  const gate = tanh(linear(w.at(2), gelu(linear(w.at(0), pooled)))) // [B, 1]
  return mul(high, reshape(gate, [gate.shape[0]!, 1, 1]))
}

/** @throws GraphError `fusion-grid` when the map has not one cell for each token. */
function requireSameGrid(low: Tensor, high: Tensor): void {
  const [, , rows, columns] = high.shape as [Dim, Dim, Dim, Dim]
  if (sameDim(mulDims(rows, columns), low.shape[1]!)) return
  throw new GraphError(
    'fusion-grid',
    `The high-resolution map has ${rows}×${columns} cells, but there are ${low.shape[1]} low-resolution tokens. ` +
      'Both encoders must give the same grid, as pictures of 336 and 768 pixels do (336/14 = 768/32 = 24).',
    { rows, columns, tokens: low.shape[1] },
  )
}

/** Conv-Gate's weights: c channels of the low-resolution encoder, C of the last high-resolution stage. */
export function convGateShapes(low: number, high: number): Shapes {
  return {
    'slow_conv.weight': [high, high, 1, 1],
    'slow_conv.bias': [high],
    'slow_proj.weight': [low, high, 1, 1],
    'slow_proj.bias': [low],
    'fast_conv.weight': [low, 1, 7, 7],
    'fast_conv.bias': [low],
    'fast_proj.weight': [low, low, 1, 1],
    'fast_proj.bias': [low],
    'gate.0.weight': [low / 2, 2 * low],
    'gate.0.bias': [low / 2],
    'gate.2.weight': [1, low / 2],
    'gate.2.bias': [1],
  }
}
