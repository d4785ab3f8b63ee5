import type { Dim } from '../graph/dim.ts'
import {
  add,
  argMax,
  cast,
  embedding,
  equal,
  linearProduct,
  matmul,
  quickGelu,
  reshape,
  split,
} from '../graph/ops/index.ts'
import { indices, type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { attention, mergeHeads, splitHeads } from '../nn/attention.ts'
import { causalMask } from '../nn/causal-mask.ts'
import { linear } from '../nn/linear.ts'
import { layerNorm } from '../nn/norm.ts'
import type { UniclTextConfig } from './unicl-config.ts'

const epsilon = 1e-12

/**
 * UniCL's text tower: a causal transformer over the full context. ids [B, T] i64, padded to the context length → the
 * normed hidden states [B, T, C]. Source: UniCL (arXiv 2204.03610); golden case `florence-unicl`.
 */
export function uniclText(w: Weights, ids: Tensor, config: UniclTextConfig): Tensor {
  let x = add(embedding(w.get('token_embedding.weight'), ids), w.get('positional_embedding'))
  const mask = causalMask(config.CONTEXT_LENGTH)
  for (let i = 0; i < config.LAYERS; i++)
    x = tap(`text.block${i}`, block(w.at('resblocks').at(i), x, mask, config.HEADS))
  return tap('text.last_hidden_state', layerNorm(w.at('ln_final'), x, epsilon))
}

/**
 * The hidden state at each text's first end token, which has the largest id. hidden [B, T, C], ids [B, T] i64 → [B, C].
 */
export function atEndToken(hidden: Tensor, ids: Tensor): Tensor {
  const [batch, tokens, width] = hidden.shape as [Dim, number, number]
  // The engine finds maxima of floats, in which ids are exact.
  const end = reshape(argMax(cast(ids, 'f32'), 1), [batch, 1])
  const isEnd = cast(equal(end, indices([...Array(tokens).keys()])), 'f32')
  return reshape(matmul(reshape(isEnd, [batch, 1, tokens]), hidden), [batch, width])
}

/** x += attention(ln_1(x)); x += c_proj(quickGelu(c_fc(ln_2(x)))). */
function block(w: Weights, x: Tensor, mask: Tensor, heads: number): Tensor {
  const attended = selfAttention(w.at('attn'), layerNorm(w.at('ln_1'), x, epsilon), mask, heads)
  const y = add(x, attended)
  const inner = quickGelu(linear(w.at('mlp.c_fc'), layerNorm(w.at('ln_2'), y, epsilon)))
  return add(y, linear(w.at('mlp.c_proj'), inner))
}

/** PyTorch's MultiheadAttention, whose three projections are one matrix. */
function selfAttention(w: Weights, x: Tensor, mask: Tensor, heads: number): Tensor {
  const width = x.shape[2] as number
  const qkv = linearProduct(x, w.get('in_proj_weight'), w.get('in_proj_bias'))
  const [q, k, v] = split(qkv, 2, [width, width, width]).map((part) => splitHeads(part, heads)) as [
    Tensor,
    Tensor,
    Tensor,
  ]
  return linear(w.at('out_proj'), mergeHeads(attention(q, k, v, mask)))
}
