import { clipBlock } from '../encoders/clip-layers.ts'
import { clipText } from '../encoders/clip-text.ts'
import { clipEmbeddings } from '../encoders/clip-vit.ts'
import type { Dim } from '../graph/dim.ts'
import { mul, slice } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { linear } from '../nn/linear.ts'
import { layerNorm } from '../nn/norm.ts'
import { unit } from '../nn/unit.ts'
import type { Owlv2Config } from './owlv2-config.ts'

/** Pixels [B, 3, S, S] → what the first layer of the vision tower reads [B, 1 + N, d]. */
export function owlv2Embeddings(w: Weights, pixels: Tensor, config: Owlv2Config): Tensor {
  return clipEmbeddings(visionWeights(w), pixels, config.vision_config, { preNorm: 'pre_layernorm' })
}

/**
 * The layers `from` to before `to` of the vision tower, [B, 1 + N, d] → [B, 1 + N, d]. The large model takes seconds
 * a layer: it is run in pieces, between which a caller can watch and stop it.
 */
export function owlv2Layers(w: Weights, x: Tensor, config: Owlv2Config, from: number, to: number): Tensor {
  let y = x
  const layers = visionWeights(w).at('encoder.layers')
  for (let i = from; i < to; i++)
    y = tap(`hidden_states.${i + 1}`, clipBlock(layers.at(i), y, config.vision_config))
  return y
}

/**
 * What the heads read: every patch times the class token, normed. The output of the last layer [B, 1 + N, d] →
 * [B, N, d], patches row by row.
 */
export function owlv2Features(w: Weights, x: Tensor, config: Owlv2Config): Tensor {
  const epsilon = config.vision_config.layer_norm_eps
  const normed = layerNorm(visionWeights(w).at('post_layernorm'), x, epsilon)
  const classToken = slice(normed, 1, 0, 1)
  const patches = slice(normed, 1, 1, normed.shape[1] as Dim)
  return layerNorm(w.at('layer_norm'), mul(patches, classToken), epsilon)
}

/**
 * Queries as unit vectors. ids, mask [R, T] i64, ends [R] i64 (where each row's end token stands, counted over all
 * rows: r·T + t) → [R, p]. Source: OWL-ViT (arXiv 2205.06230), section 3; golden case `owlv2-tiny` (`text_embeds`).
 */
export function owlv2Text(w: Weights, ids: Tensor, mask: Tensor, ends: Tensor, config: Owlv2Config): Tensor {
  const states = clipText(w.at('owlv2.text_model'), ids, mask, ends, config.text_config)
  return unit(linear(w.at('owlv2.text_projection'), states))
}

const visionWeights = (w: Weights): Weights => w.at('owlv2.vision_model')
