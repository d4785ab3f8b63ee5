import { markLayer } from '../graph/layer.ts'
import { add, fusedAttention, gelu, quickGelu } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { attention, mergeHeads, splitHeads } from '../nn/attention.ts'
import { linear } from '../nn/linear.ts'
import { layerNorm } from '../nn/norm.ts'
import type { ClipLayersConfig } from './clip-config.ts'

/**
 * The blocks of a CLIP tower, of its images as of its text. x [B, T, C] → `num_hidden_layers` + 1 hidden states
 * [B, T, C]: the input first, then the output of every layer. A program holds only the layers below what it reads.
 * @param w the tower, above `encoder.layers`
 * @param mask added to the attention scores, broadcasts to [B, heads, T, T]: the text tower's causal and padding masks
 */
export function clipLayers(w: Weights, x: Tensor, config: ClipLayersConfig, mask?: Tensor): Tensor[] {
  const hiddenStates = [x]
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const input = hiddenStates[i]!
    const output = clipBlock(w.at('encoder.layers').at(i), input, config, mask)
    hiddenStates.push(markLayer(input, tap(`hidden_states.${i + 1}`, output)))
  }
  return hiddenStates
}

/** x += attention(norm1(x)); x += fc2(act(fc1(norm2(x)))). */
export function clipBlock(w: Weights, x: Tensor, config: ClipLayersConfig, mask?: Tensor): Tensor {
  const norm = (name: string, y: Tensor): Tensor => layerNorm(w.at(name), y, config.layer_norm_eps)
  const y = add(x, selfAttention(w.at('self_attn'), norm('layer_norm1', x), config, mask))
  return add(y, mlp(w.at('mlp'), norm('layer_norm2', y), config))
}

function selfAttention(w: Weights, x: Tensor, config: ClipLayersConfig, mask?: Tensor): Tensor {
  const H = config.num_attention_heads
  const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((name) => linear(w.at(name), x)) as [
    Tensor,
    Tensor,
    Tensor,
  ]
  const output = mask
    ? mergeHeads(attention(splitHeads(q, H), splitHeads(k, H), splitHeads(v, H), mask))
    : fusedAttention(q, k, v, H) // OWLv2's 5,185 tokens would have 1.7 GB of scores
  return linear(w.at('out_proj'), output)
}

function mlp(w: Weights, x: Tensor, config: ClipLayersConfig): Tensor {
  const activation = config.hidden_act === 'quick_gelu' ? quickGelu : gelu
  return linear(w.at('fc2'), activation(linear(w.at('fc1'), x)))
}
