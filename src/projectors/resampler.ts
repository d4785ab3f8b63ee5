import type { Dim } from '../graph/dim.ts'
import { add, concat, expand, matmul, reshape } from '../graph/ops/index.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Shapes, Weights } from '../graph/weights.ts'
import { linear } from '../nn/linear.ts'
import { multiheadAttention } from '../nn/multihead-attention.ts'
import { layerNorm } from '../nn/norm.ts'
import { GraphError } from '../tensor/errors.ts'

export interface ResamplerConfig {
  readonly num_heads: number
  /** 1e-6 in Qwen-VL's and MG-LLaVA's. */
  readonly ln_eps: number
}

/**
 * Qwen-VL's resampler: g² learned queries with fixed 2-D sine positions attend once to the tokens, whose keys carry the
 * same positions, repeated where several encoders' tokens of one grid follow each other. tokens [B, r·g², C] →
 * [B, g², D]. Source: Qwen-VL (arXiv 2308.12966); MG-LLaVA's ablation in place of the projector, golden case
 * `mgllava-fuse`.
 * @throws GraphError `resampler-grid` when the tokens are no whole number of grids.
 */
export function resampler(w: Weights, tokens: Tensor, config: ResamplerConfig): Tensor {
  const [B, count] = tokens.shape as [Dim, number]
  const positions = w.get('pos_embed')
  const [queries, width] = positions.shape as [number, number]
  if (count % queries !== 0)
    throw new GraphError(
      'resampler-grid',
      `${count} tokens are no multiple of the ${queries} positions of the resampler's table.`,
      { tokens: count, positions: queries },
    )
  const projected = w.has('kv_proj.weight') ? linear(w.at('kv_proj'), tokens) : tokens
  const value = layerNorm(w.at('ln_kv'), projected, config.ln_eps)
  const key = add(value, concat(Array<Tensor>(count / queries).fill(positions), 0))
  const query = add(layerNorm(w.at('ln_q'), w.get('query'), config.ln_eps), positions)
  const asked = expand(reshape(query, [1, queries, width]), [B, queries, width])
  const found = multiheadAttention(w.at('attn'), asked, key, value, config.num_heads)
  return matmul(layerNorm(w.at('ln_post'), found, config.ln_eps), w.get('proj'))
}

/** The resampler's weights: tokens of width C, g² queries of width D. */
export function resamplerShapes(from: number, queries: number, width: number): Shapes {
  const norm = (name: string): Shapes => ({ [`${name}.weight`]: [width], [`${name}.bias`]: [width] })
  return {
    ...(from !== width && { 'kv_proj.weight': [width, from] }),
    ...norm('ln_q'),
    ...norm('ln_kv'),
    ...norm('ln_post'),
    'attn.in_proj_weight': [3 * width, width],
    'attn.in_proj_bias': [3 * width],
    'attn.out_proj.weight': [width, width],
    'attn.out_proj.bias': [width],
    pos_embed: [queries, width],
    query: [queries, width],
    proj: [width, width],
  }
}
