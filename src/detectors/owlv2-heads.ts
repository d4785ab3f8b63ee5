import {
  add,
  div,
  elu,
  equal,
  gelu,
  matmulTransposed,
  mul,
  reshape,
  sigmoid,
  where,
} from '../graph/ops/index.ts'
import { constant, type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { LOWEST } from '../nn/causal-mask.ts'
import { linear } from '../nn/linear.ts'
import { length } from '../nn/unit.ts'
import { f32, type HostTensor, i64 } from '../tensor/tensor.ts'
import { gridSide, type Owlv2Config } from './owlv2-config.ts'

/** What a picture gives, whatever is looked for in it; N patches. */
export interface Owlv2PatchOutputs {
  /** What is compared with queries, [B, N, t]. */
  readonly classEmbeds: Tensor
  /** [B, N, 1] */
  readonly logitShift: Tensor
  /** Above 0, [B, N, 1]. */
  readonly logitScale: Tensor
  /** cx, cy, w, h in 0..1 of the padded square, [B, N, 4]. */
  readonly boxes: Tensor
  /** How likely the box holds anything, whatever it is, as logits [B, N]. */
  readonly objectness: Tensor
}

/** The heads over the merged features [B, N, d]. Source: OWLv2 (arXiv 2306.09683); golden case `owlv2-tiny`. */
export function owlv2Heads(w: Weights, features: Tensor, config: Owlv2Config): Owlv2PatchOutputs {
  const [B, N] = features.shape
  const head = w.at('class_head')
  const bias = constant(boxBias(gridSide(config)))
  return {
    classEmbeds: linear(head.at('dense0'), features),
    logitShift: linear(head.at('logit_shift'), features),
    logitScale: add(elu(linear(head.at('logit_scale'), features)), 1),
    boxes: sigmoid(add(threeLayers(w.at('box_head'), features), bias)),
    objectness: reshape(threeLayers(w.at('objectness_head'), features), [B!, N!]),
  }
}

function threeLayers(w: Weights, x: Tensor): Tensor {
  const hidden = gelu(linear(w.at('dense1'), gelu(linear(w.at('dense0'), x))))
  return linear(w.at('dense2'), hidden)
}

/**
 * How well each patch fits each query: classEmbeds [B, N, t], shift and scale [B, N, 1], queries [B, Q, t] → logits
 * [B, N, Q]. A query whose first id is 0 (`firstIds` [B, Q] i64) is filler and gets the lowest float.
 */
export function owlv2Logits(
  {
    classEmbeds,
    logitShift,
    logitScale,
  }: Pick<Owlv2PatchOutputs, 'classEmbeds' | 'logitShift' | 'logitScale'>,
  queries: Tensor,
  firstIds: Tensor,
): Tensor {
  const directions = tap('class_embeds', direction(classEmbeds))
  const similarity = matmulTransposed(directions, direction(queries))
  const logits = mul(add(similarity, logitShift), logitScale)
  const [B, Q] = firstIds.shape
  return where(equal(reshape(firstIds, [B!, 1, Q!]), constant(i64([], [0]))), LOWEST, logits)
}

/** x/(‖x‖ + 1e-6); queries are unit vectors already and become a little shorter, as in the official code. */
function direction(x: Tensor): Tensor {
  return div(x, add(length(x), 1e-6))
}

const { fround } = Math

/**
 * Where each patch's box lies before the head moves it, as logits of cx, cy, w, h: its lower right corner and its
 * size. Computed in float32 steps as the official code does: at the border ln(1 − x + 1e-4) depends on the rounding.
 * [N, 4] for a grid of `side` patches a side.
 */
export function boxBias(side: number): HostTensor<'f32'> {
  const logit = (x: number): number => {
    const low = fround(Math.log(fround(x + fround(1e-4))))
    return fround(low - fround(Math.log1p(fround(fround(1e-4) - x))))
  }
  const places = Array.from({ length: side }, (_, i) => logit(fround((i + 1) / side)))
  const size = logit(fround(1 / side))
  const rows = places.flatMap((y) => places.flatMap((x) => [x, y, size, size]))
  return f32([side * side, 4], rows)
}
