import { swin } from '../encoders/swin.ts'
import { type Dim, mulDims } from '../graph/dim.ts'
import {
  add,
  concat,
  exp,
  expand,
  gelu,
  matmul,
  matmulTransposed,
  mean,
  mul,
  relu,
  reshape,
  slice,
  softmax,
} from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { attention, mergeHeads, splitHeads } from '../nn/attention.ts'
import { linear } from '../nn/linear.ts'
import { layerNorm } from '../nn/norm.ts'
import { unit } from '../nn/unit.ts'
import type { RamConfig } from './ram-config.ts'

/**
 * The picture's tokens, their mean in front. Pixels [B, 3, S, S] → [B, 1 + T, E].
 * Source: RAM++ (arXiv 2310.15200), section 3; golden case `ram-tiny`.
 */
export function ramImageTokens(w: Weights, pixels: Tensor, config: RamConfig): Tensor {
  const { tokens } = swin(w.at('visual_encoder'), pixels, config.swin)
  const image = tap('swin_out', concat([mean(tokens, [1], { keepDims: true }), tokens], 1))
  return tap('image_embeds', linear(w.at('image_proj'), image))
}

/** The mean token, which training distils towards CLIP's image feature: [B, 1 + T, E] → [B, E]. */
export function ramImageFeature(image: Tensor): Tensor {
  const [batch, , width] = image.shape as [Dim, Dim, number]
  return reshape(slice(image, 1, 0, 1), [batch, width])
}

/**
 * One embedding for each tag: its descriptions, weighted by how well each fits the picture. image [B, 1 + T, E],
 * descriptions [n, D, E] → [B, n, E]. Neither the descriptions nor the result are normalised. With a single
 * description, as in RAM, the picture has no say.
 */
export function tagEmbeddings(w: Weights, image: Tensor, descriptions: Tensor): Tensor {
  const [tags, count, width] = descriptions.shape as [Dim, number, number]
  const batch = image.shape[0]!
  if (count === 1) return expand(reshape(descriptions, [1, tags, width]), [batch, tags, width])
  const direction = unit(ramImageFeature(image))
  const table = reshape(descriptions, [mulDims(tags, count), width])
  const scores = mul(matmulTransposed(direction, table), exp(w.get('reweight_scale'))) // [B, n·D]
  const weights = softmax(reshape(scores, [batch, tags, 1, count]))
  return tap('label_embed_reweight', reshape(matmul(weights, descriptions), [batch, tags, width]))
}

/**
 * One logit for each of n embeddings, none of which sees the others. image [B, 1 + T, E], embeddings [B, n, E] →
 * [B, n].
 */
export function tagLogits(w: Weights, image: Tensor, embeddings: Tensor, config: RamConfig): Tensor {
  const [batch, tags] = embeddings.shape as [Dim, Dim]
  const projection = w.at('wordvec_proj')
  let x = relu(projection.has('weight') ? linear(projection, embeddings) : embeddings) // [B, n, hidden]
  tap('label_embed', x)
  for (let i = 0; i < config.q2l.num_hidden_layers; i++)
    x = headLayer(w.at('tagging_head.encoder.layer').at(i), x, image, config)
  return reshape(linear(w.at('fc'), tap('tagging_head_out', x)), [batch, tags])
}

/** A BERT layer without its self-attention: cross-attention to the picture, then an MLP, each with a post-norm. */
function headLayer(w: Weights, x: Tensor, image: Tensor, { q2l }: RamConfig): Tensor {
  const { num_attention_heads: heads, layer_norm_eps: epsilon } = q2l
  const cross = w.at('crossattention')
  const q = splitHeads(linear(cross.at('self.query'), x), heads)
  const k = splitHeads(linear(cross.at('self.key'), image), heads)
  const v = splitHeads(linear(cross.at('self.value'), image), heads)
  const attended = linear(cross.at('output.dense'), mergeHeads(attention(q, k, v)))
  const y = layerNorm(cross.at('output.LayerNorm'), add(attended, x), epsilon)
  const inner = gelu(linear(w.at('intermediate.dense'), y))
  return layerNorm(w.at('output.LayerNorm'), add(linear(w.at('output.dense'), inner), y), epsilon)
}
