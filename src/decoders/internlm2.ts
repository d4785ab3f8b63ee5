import { z } from 'zod'
import type { Dim } from '../graph/dim.ts'
import { gather, paddedEmbedding, reshape, split } from '../graph/ops/index.ts'
import { indices, type Tensor } from '../graph/tensor.ts'
import type { Shapes, Weights } from '../graph/weights.ts'
import { linear } from '../nn/linear.ts'
import { rmsNorm } from '../nn/norm.ts'
import { type Projected, preNormBlock } from './block.ts'
import type { Decoder } from './decoder.ts'
import { swiGlu } from './gated-mlp.ts'
import { ropeScaling, ropeScalingConfig } from './rope-config.ts'

export const internLm2Config = z.object({
  vocab_size: z.int().positive(),
  hidden_size: z.int().positive(),
  num_attention_heads: z.int().positive(),
  num_key_value_heads: z.int().positive(),
  intermediate_size: z.int().positive(),
  num_hidden_layers: z.int().positive().max(1000),
  bias: z.boolean().default(false),
  rope_theta: z.number().positive().default(10000),
  rope_scaling: ropeScalingConfig,
  max_position_embeddings: z.int().positive(),
  rms_norm_eps: z.number().positive(),
  hidden_act: z.literal('silu').default('silu'),
  pad_token_id: z.int().default(2),
  tie_word_embeddings: z.literal(false).default(false),
})

type InternLm2Config = z.infer<typeof internLm2Config>

/**
 * InternLM2: grouped queries whose projections are packed by key head (its queries, its key, its value), SwiGLU,
 * untied output. Source: InternLM2 technical report (arXiv 2403.17297); golden case `internvl-internlm2`.
 */
export function internLm2(config: InternLm2Config): Decoder {
  const { hidden_size: width, num_attention_heads: heads, num_key_value_heads: kvHeads } = config
  const headSize = width / heads
  const norm = (w: Weights, x: Tensor): Tensor => rmsNorm(w, x, config.rms_norm_eps)
  return {
    layers: config.num_hidden_layers,
    hiddenSize: width,
    heads,
    kvHeads,
    headSize,
    vocabSize: config.vocab_size,
    rope: {
      headSize,
      theta: config.rope_theta,
      maxPositions: config.max_position_embeddings,
      scaling: ropeScaling(config.rope_scaling, config.max_position_embeddings),
    },
    shapes: internLm2Shapes(config),
    embed: (w, ids) => paddedEmbedding(w.get('model.tok_embeddings.weight'), ids, config.pad_token_id),
    block(w, index, x, context) {
      const layer = w.at('model.layers').at(index)
      const feed = layer.at('feed_forward')
      return preNormBlock(index, x, context, {
        heads,
        kvHeads,
        attentionNorm: (y) => norm(layer.at('attention_norm'), y),
        project: (y) => unpack(linear(layer.at('attention.wqkv'), y), heads, kvHeads, headSize),
        outputProjection: (y) => linear(layer.at('attention.wo'), y),
        mlpNorm: (y) => norm(layer.at('ffn_norm'), y),
        mlp: (y) => linear(feed.at('w2'), swiGlu(linear(feed.at('w1'), y), linear(feed.at('w3'), y))),
      })
    },
    norm: (w, x) => norm(w.at('model.norm'), x),
    head: (w, x) => linear(w.at('output'), x),
  }
}

/** [B, T, kv·(g + 2)·D] with g queries, one key and one value a key head → q [B, T, kv·g·D], k, v [B, T, kv·D]. */
function unpack(mixed: Tensor, heads: number, kvHeads: number, size: number): Projected {
  const [batch, tokens] = mixed.shape as [Dim, Dim]
  const group = heads / kvHeads
  const byHead = reshape(mixed, [batch, tokens, kvHeads, group + 2, size])
  const [q, k, v] = split(byHead, 3, [group, 1, 1]) as [Tensor, Tensor, Tensor]
  const single = [batch, tokens, kvHeads * size]
  return {
    q: reshape(q, [batch, tokens, heads * size]),
    k: reshape(k, single),
    v: reshape(v, single),
    packed: inOrder(mixed, heads, kvHeads, size),
  }
}

/** The same heads in the order of all queries, all keys, all values: one gather, where a split takes three copies. */
function inOrder(mixed: Tensor, heads: number, kvHeads: number, size: number): Tensor {
  const [batch, tokens] = mixed.shape as [Dim, Dim]
  const group = heads / kvHeads
  const total = heads + 2 * kvHeads
  const every = [...Array(total).keys()]
  const kindOf = (head: number): number => Math.max(0, (head % (group + 2)) - group + 1)
  const order = [0, 1, 2].flatMap((kind) => every.filter((head) => kindOf(head) === kind))
  const byHead = reshape(mixed, [batch, tokens, total, size])
  return reshape(gather(byHead, indices(order), 2), [batch, tokens, total * size])
}

function internLm2Shapes(config: InternLm2Config): Shapes {
  const { vocab_size: vocab, hidden_size: width, intermediate_size: inner } = config
  const packed =
    (width / config.num_attention_heads) * (config.num_attention_heads + 2 * config.num_key_value_heads)
  const shapes: Record<string, readonly number[]> = {
    'model.tok_embeddings.weight': [vocab, width],
    'model.norm.weight': [width],
    'output.weight': [vocab, width],
  }
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const layer = `model.layers.${i}`
    shapes[`${layer}.attention.wqkv.weight`] = [packed, width]
    shapes[`${layer}.attention.wo.weight`] = [width, width]
    if (config.bias) {
      shapes[`${layer}.attention.wqkv.bias`] = [packed]
      shapes[`${layer}.attention.wo.bias`] = [width]
    }
    shapes[`${layer}.feed_forward.w1.weight`] = [inner, width]
    shapes[`${layer}.feed_forward.w3.weight`] = [inner, width]
    shapes[`${layer}.feed_forward.w2.weight`] = [width, inner]
    shapes[`${layer}.attention_norm.weight`] = [width]
    shapes[`${layer}.ffn_norm.weight`] = [width]
  }
  return shapes
}
