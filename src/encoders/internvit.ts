import { type Dim, floorDivDims } from '../graph/dim.ts'
import { markLayer } from '../graph/layer.ts'
import { add, concat, gelu, linearProduct, mul, patchify, reshape, split } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { attention, mergeHeads, repeatOverBatch, splitHeads } from '../nn/attention.ts'
import { linear } from '../nn/linear.ts'
import { layerNorm, rmsNorm } from '../nn/norm.ts'
import { positionTable } from '../nn/position-table.ts'
import { bicubicWeights } from '../nn/resize.ts'
import { convStem } from './conv-stem.ts'
import { type InternVitConfig, patchKernel, stemOf } from './internvit-config.ts'
import type { VisionFeatures } from './vision-features.ts'

/**
 * InternViT: a plain vision transformer with a class token, scaled residual branches and no final norm.
 * Pixels [N, 3, h·P, w·P] → hidden states [N, 1 + h·w, C]. The 300M and 6B variants differ only in their
 * configuration. Source: InternVL (arXiv 2312.14238); golden cases `internvl-vit300m`, `internvl-vit6b`.
 */
export function internVit(w: Weights, pixels: Tensor, config: InternVitConfig): VisionFeatures {
  let x = tap('embeddings', embedPatches(w.at('embeddings'), pixels, config))
  const hiddenStates = [x]
  for (let i = 0; i < config.num_hidden_layers; i++) {
    x = markLayer(x, tap(`hidden_states.${i + 1}`, layer(w.at('encoder.layers').at(i), x, config)))
    hiddenStates.push(x)
  }
  return { hiddenStates }
}

/** x += ls1 ⊙ attention(norm1(x)); x += ls2 ⊙ mlp(norm2(x)). */
function layer(w: Weights, x: Tensor, config: InternVitConfig): Tensor {
  const y = add(x, mul(attentionBranch(w, x, config), w.get('ls1')))
  return add(y, mul(mlpBranch(w, y, config), w.get('ls2')))
}

/** attention(norm1(x)) of a layer, before its scale and the residual sum. */
export function attentionBranch(w: Weights, x: Tensor, config: InternVitConfig): Tensor {
  return selfAttention(w.at('attn'), norm(w.at('norm1'), x, config), config)
}

/** mlp(norm2(x)) of a layer, before its scale and the residual sum. */
export function mlpBranch(w: Weights, x: Tensor, config: InternVitConfig): Tensor {
  const mlp = w.at('mlp')
  return linear(mlp.at('fc2'), gelu(linear(mlp.at('fc1'), norm(w.at('norm2'), x, config))))
}

function selfAttention(w: Weights, x: Tensor, config: InternVitConfig): Tensor {
  const width = config.hidden_size
  let [q, k, v] = split(linear(w.at('qkv'), x), 2, [width, width, width]) as [Tensor, Tensor, Tensor]
  if (config.qk_normalization) {
    // Over the full width, all heads together, before they are split.
    q = rmsNorm(w.at('q_norm'), q, config.layer_norm_eps)
    k = rmsNorm(w.at('k_norm'), k, config.layer_norm_eps)
  }
  const heads = config.num_attention_heads
  const output = attention(splitHeads(q, heads), splitHeads(k, heads), splitHeads(v, heads))
  return linear(w.at('proj'), mergeHeads(output))
}

function norm(w: Weights, x: Tensor, config: InternVitConfig): Tensor {
  return config.norm_type === 'rms_norm'
    ? rmsNorm(w, x, config.layer_norm_eps)
    : layerNorm(w, x, config.layer_norm_eps)
}

/** Patches in row-major order behind the class token, plus the position table (bicubic, a = −0.75). → [N, 1 + h·w, C]. */
function embedPatches(w: Weights, pixels: Tensor, config: InternVitConfig): Tensor {
  const { hidden_size: width, patch_size: patch } = config
  const [tiles, , height, breadth] = pixels.shape as [Dim, Dim, Dim, Dim]
  const { channels, side } = patchKernel(config)
  const stem = stemOf(config)
  const maps = stem ? convStem(w.at('stem'), pixels, stem) : pixels
  const kernel = reshape(w.get('patch_embedding.weight'), [width, channels * side * side])
  const patches = linearProduct(patchify(maps, side), kernel, w.get('patch_embedding.bias'))
  const embedded = concat([repeatOverBatch(w.get('class_embedding'), tiles), patches], 1)
  const rows = floorDivDims(height, patch)
  const columns = floorDivDims(breadth, patch)
  return add(embedded, positionTable(w.get('position_embedding'), rows, columns, bicubicWeights))
}
