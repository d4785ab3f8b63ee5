import { z } from 'zod'
import { embedding, split } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Shapes, Weights } from '../graph/weights.ts'
import { linear } from '../nn/linear.ts'
import { rmsNorm } from '../nn/norm.ts'
import { type BlockParts, preNormBlock } from './block.ts'
import type { Decoder } from './decoder.ts'
import { swiGlu } from './gated-mlp.ts'
import { ropeScaling, ropeScalingConfig } from './rope-config.ts'

export const llamaConfig = z
  .object({
    vocab_size: z.int().positive(),
    hidden_size: z.int().positive(),
    num_attention_heads: z.int().positive(),
    num_key_value_heads: z.int().positive().optional(),
    head_dim: z.int().positive().nullish(),
    intermediate_size: z.int().positive(),
    num_hidden_layers: z.int().positive().max(1000),
    rope_theta: z.number().positive().default(10000),
    rope_scaling: ropeScalingConfig,
    max_position_embeddings: z.int().positive(),
    original_max_position_embeddings: z.int().positive().optional(),
    rms_norm_eps: z.number().positive(),
    hidden_act: z.literal('silu').default('silu'),
    tie_word_embeddings: z.boolean().default(false),
    attention_bias: z.literal(false).default(false),
    mlp_bias: z.literal(false).default(false),
  })
  .transform((config) => ({
    ...config,
    num_key_value_heads: config.num_key_value_heads ?? config.num_attention_heads,
    head_dim: config.head_dim ?? config.hidden_size / config.num_attention_heads,
  }))

type LlamaConfig = z.output<typeof llamaConfig>

/** What the families that share Llama's names do differently. */
export interface LlamaVariant {
  /** Qwen2: biases on the query, key and value projections. */
  readonly hasQkvBias: boolean
  /** Phi-3: one matrix for queries, keys and values, one for gate and up. */
  readonly isPacked: boolean
}

/**
 * The Llama family: separate projections (Llama, Yi, Qwen2) or packed ones (Phi-3), grouped queries, SwiGLU.
 * Golden cases `internvl-chat-llama`, `internvl-chat-qwen2`, `internvl-chat-phi3`.
 */
export function llama(config: LlamaConfig, variant: LlamaVariant): Decoder {
  const { num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: headSize } = config
  const norm = (w: Weights, x: Tensor): Tensor => rmsNorm(w, x, config.rms_norm_eps)
  return {
    layers: config.num_hidden_layers,
    hiddenSize: config.hidden_size,
    heads,
    kvHeads,
    headSize,
    vocabSize: config.vocab_size,
    rope: {
      headSize,
      theta: config.rope_theta,
      maxPositions: config.max_position_embeddings,
      scaling: ropeScaling(
        config.rope_scaling,
        config.original_max_position_embeddings ?? config.max_position_embeddings,
      ),
    },
    shapes: llamaShapes(config, variant),
    embed: (w, ids) => embedding(w.get('model.embed_tokens.weight'), ids),
    block(w, index, x, context) {
      const layer = w.at('model.layers').at(index)
      return preNormBlock(index, x, context, {
        heads,
        kvHeads,
        attentionNorm: (y) => norm(layer.at('input_layernorm'), y),
        project: projection(layer.at('self_attn'), config, variant),
        outputProjection: (y) => linear(layer.at('self_attn.o_proj'), y),
        mlpNorm: (y) => norm(layer.at('post_attention_layernorm'), y),
        mlp: (y) => mlp(layer.at('mlp'), y, config, variant),
      })
    },
    norm: (w, x) => norm(w.at('model.norm'), x),
    head: (w, x) => linear(w.at(config.tie_word_embeddings ? 'model.embed_tokens' : 'lm_head'), x),
  }
}

function projection(w: Weights, config: LlamaConfig, variant: LlamaVariant): BlockParts['project'] {
  const { num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: size } = config
  return (x) => {
    if (!variant.isPacked) {
      const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((name) => linear(w.at(name), x))
      return { q: q!, k: k!, v: v! }
    }
    const packed = linear(w.at('qkv_proj'), x)
    const [q, k, v] = split(packed, 2, [heads * size, kvHeads * size, kvHeads * size])
    return { q: q!, k: k!, v: v!, packed }
  }
}

function mlp(w: Weights, x: Tensor, config: LlamaConfig, variant: LlamaVariant): Tensor {
  const inner = config.intermediate_size
  const [gate, up] = variant.isPacked
    ? split(linear(w.at('gate_up_proj'), x), 2, [inner, inner])
    : [linear(w.at('gate_proj'), x), linear(w.at('up_proj'), x)]
  return linear(w.at('down_proj'), swiGlu(gate!, up!))
}

function llamaShapes(config: LlamaConfig, variant: LlamaVariant): Shapes {
  const { vocab_size: vocab, hidden_size: width, intermediate_size: inner, head_dim: size } = config
  const rows = { q: config.num_attention_heads * size, k: config.num_key_value_heads * size }
  const shapes: Record<string, readonly number[]> = {
    'model.embed_tokens.weight': [vocab, width],
    'model.norm.weight': [width],
  }
  if (!config.tie_word_embeddings) shapes['lm_head.weight'] = [vocab, width]
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const layer = `model.layers.${i}`
    const projections: Record<string, number> = variant.isPacked
      ? { qkv_proj: rows.q + 2 * rows.k }
      : { q_proj: rows.q, k_proj: rows.k, v_proj: rows.k }
    for (const [name, size] of Object.entries(projections)) {
      shapes[`${layer}.self_attn.${name}.weight`] = [size, width]
      if (variant.hasQkvBias) shapes[`${layer}.self_attn.${name}.bias`] = [size]
    }
    shapes[`${layer}.self_attn.o_proj.weight`] = [width, rows.q]
    if (variant.isPacked) shapes[`${layer}.mlp.gate_up_proj.weight`] = [2 * inner, width]
    else for (const name of ['gate_proj', 'up_proj']) shapes[`${layer}.mlp.${name}.weight`] = [inner, width]
    shapes[`${layer}.mlp.down_proj.weight`] = [width, inner]
    shapes[`${layer}.input_layernorm.weight`] = [width]
    shapes[`${layer}.post_attention_layernorm.weight`] = [width]
  }
  return shapes
}
