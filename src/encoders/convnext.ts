import { add, concat, gelu, mean, mul } from '../graph/ops/index.ts'
import { type Tensor, tap } from '../graph/tensor.ts'
import type { Weights } from '../graph/weights.ts'
import { conv2d } from '../nn/conv.ts'
import { linear } from '../nn/linear.ts'
import { channelsFirst, channelsLast } from '../nn/maps.ts'
import { channelNorm, layerNorm } from '../nn/norm.ts'
import { bilinearWeights, resizeMaps } from '../nn/resize.ts'
import type { ConvNextConfig } from './convnext-config.ts'

/**
 * ConvNeXt's maps after each stage: [B, C_s, H/(4·2^s), W/(4·2^s)], sides floored at every strided convolution.
 * Pixels [B, 3, H, W]; no norm and no head behind the last stage. Reads timm's names below `visual.trunk` of
 * open_clip's files, and those that Eagle and LLaVA-HR (layer scale `weight`) and Mini-Gemini (`vision_stem`,
 * `vision_stages`) gave them.
 * Source: ConvNeXt (arXiv 2201.03545), timm; golden cases `convnext-tiny`, `expert-convnext`, `ola-convnext`.
 */
export function convNext(w: Weights, pixels: Tensor, config: ConvNextConfig): readonly Tensor[] {
  const prefix = w.has('vision_stem.0.weight') ? 'vision_' : ''
  const stem = w.at(`${prefix}stem`)
  const patches = conv2d(stem.at(0), pixels, { stride: config.patch_size })
  let x = tap('stem', channelNorm(stem.at(1), patches, config.norm_eps))
  return config.depths.map((depth, s) => {
    const stage = w.at(`${prefix}stages`).at(s)
    if (s > 0) x = tap(`stage_${s}.downsample`, downsample(stage.at('downsample'), x, config))
    for (let b = 0; b < depth; b++) {
      const name = `stage_${s}.block_${b}`
      x = tap(name, block(stage.at('blocks').at(b), x, config, name))
    }
    return tap(`stage_${s}`, x)
  })
}

/** [B, C, h, w] → [B, C', ⌊h/2⌋, ⌊w/2⌋]. */
function downsample(w: Weights, x: Tensor, config: ConvNextConfig): Tensor {
  return conv2d(w.at(1), channelNorm(w.at(0), x, config.norm_eps), { stride: 2 })
}

/** x += γ ⊙ mlp(norm(depthwise(x))), the MLP over channels. [B, C, h, w] → [B, C, h, w]. */
function block(w: Weights, x: Tensor, config: ConvNextConfig, name: string): Tensor {
  const padding = (config.kernel_size - 1) / 2
  const local = tap(`${name}.conv_dw`, conv2d(w.at('conv_dw'), x, { padding, isDepthwise: true }))
  const y = layerNorm(w.at('norm'), channelsLast(local), config.norm_eps) // [B, h, w, C]
  const mixed = linear(w.at('mlp.fc2'), gelu(linear(w.at('mlp.fc1'), y)))
  const scale = w.get(w.has('weight') ? 'weight' : 'gamma')
  return add(x, channelsFirst(mul(mixed, scale)))
}

/**
 * All stages on the grid of the first, one after the other along channels: [B, C_0 + C_1 + …, H/4, W/4], each
 * bilinear with half-pixel centres. What Mini-Gemini mines and MG-LLaVA pools its boxes from.
 */
export function stagesAtOneSize(stages: readonly Tensor[]): Tensor {
  const [rows, columns] = stages[0]!.shape.slice(2) as [number, number]
  return concat(
    stages.map((stage) => resizeMaps(stage, rows, columns, bilinearWeights)),
    1,
  )
}

/**
 * open_clip's image embedding of the last stage: mean over the map, norm, then what `timm_proj` says: an MLP
 * (`head.mlp`), a product (`head.proj`), or nothing. [B, C, h, w] → [B, D], not normalised.
 * @param w the tower, `visual` in open_clip's files
 */
export function convNextEmbedding(w: Weights, lastStage: Tensor, config: ConvNextConfig): Tensor {
  const pooled = layerNorm(w.at('trunk.head.norm'), mean(lastStage, [2, 3]), config.norm_eps)
  const head = w.at('head')
  if (head.has('proj.weight')) return linear(head.at('proj'), pooled)
  if (!head.has('mlp.fc1.weight')) return pooled
  return linear(head.at('mlp.fc2'), gelu(linear(head.at('mlp.fc1'), pooled)))
}
