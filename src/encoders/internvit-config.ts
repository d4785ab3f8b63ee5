import { z } from 'zod'
import { prefixShapes, type Shapes } from '../graph/weights.ts'
import { type ConvStem, convStemShapes } from './conv-stem.ts'

/** `vision_config` of InternVL checkpoints, under the official field names. */
export const internVitConfig = z
  .object({
    hidden_size: z.int().positive(),
    num_attention_heads: z.int().positive(),
    intermediate_size: z.int().positive(),
    num_hidden_layers: z.int().positive().max(1000),
    patch_size: z.int().positive(),
    image_size: z.int().positive(),
    qkv_bias: z.boolean(),
    qk_normalization: z.boolean(),
    norm_type: z.enum(['layer_norm', 'rms_norm']).default('rms_norm'),
    layer_norm_eps: z.number().positive().default(1e-6),
    hidden_act: z.literal('gelu').default('gelu'),
    /** Panoptes' own: channels of each convolution of a `convStem` before the patch embedding; none in InternVL's checkpoints. */
    stem_channels: z.array(z.int().positive()).min(1).optional(),
    /** Panoptes' own: residual convolutions behind each convolution of the stem. */
    stem_blocks: z.array(z.int().nonnegative()).optional(),
  })
  .refine(({ stem_channels: stem = [], patch_size: patch }) => patch % 2 ** stem.length === 0, {
    message:
      'each convolution of the stem halves the map: the patch size must be a multiple of 2 to the power of their number',
    path: ['stem_channels'],
  })
  .refine(({ stem_channels: stem = [], stem_blocks: blocks = [] }) => blocks.length <= stem.length, {
    message: 'there are residual convolutions behind more stages than stem_channels names',
    path: ['stem_blocks'],
  })

export type InternVitConfig = z.infer<typeof internVitConfig>

/** The stem of a tower; undefined where pixels are embedded as they are. */
export function stemOf({
  stem_channels: channels,
  stem_blocks: blocks,
}: InternVitConfig): ConvStem | undefined {
  return channels && { channels, blocks }
}

/** Of the patch embedding the input channels and the side: what the stem leaves of a patch. */
export function patchKernel({ patch_size: patch, stem_channels: stem = [] }: InternVitConfig): {
  readonly channels: number
  readonly side: number
} {
  return { channels: stem.at(-1) ?? 3, side: patch / 2 ** stem.length }
}

/** Every weight of the tower and its shape, below the tower's prefix. */
export function internVitShapes(config: InternVitConfig): Shapes {
  const { hidden_size: width, intermediate_size: inner, patch_size: patch, image_size: image } = config
  const { channels, side } = patchKernel(config)
  const stem = stemOf(config)
  const isLayerNorm = config.norm_type === 'layer_norm'
  const shapes: Record<string, readonly number[]> = {
    'embeddings.class_embedding': [1, 1, width],
    'embeddings.patch_embedding.weight': [width, channels, side, side],
    'embeddings.patch_embedding.bias': [width],
    ...prefixShapes('embeddings.stem', stem ? convStemShapes(stem) : {}),
    'embeddings.position_embedding': [1, Math.floor(image / patch) ** 2 + 1, width],
  }
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const layer = `encoder.layers.${i}`
    for (const norm of ['norm1', 'norm2']) {
      shapes[`${layer}.${norm}.weight`] = [width]
      if (isLayerNorm) shapes[`${layer}.${norm}.bias`] = [width]
    }
    shapes[`${layer}.attn.qkv.weight`] = [3 * width, width]
    if (config.qkv_bias) shapes[`${layer}.attn.qkv.bias`] = [3 * width]
    if (config.qk_normalization) {
      shapes[`${layer}.attn.q_norm.weight`] = [width]
      shapes[`${layer}.attn.k_norm.weight`] = [width]
    }
    shapes[`${layer}.attn.proj.weight`] = [width, width]
    shapes[`${layer}.attn.proj.bias`] = [width]
    shapes[`${layer}.ls1`] = [width]
    shapes[`${layer}.ls2`] = [width]
    shapes[`${layer}.mlp.fc1.weight`] = [inner, width]
    shapes[`${layer}.mlp.fc1.bias`] = [inner]
    shapes[`${layer}.mlp.fc2.weight`] = [width, inner]
    shapes[`${layer}.mlp.fc2.bias`] = [width]
  }
  return shapes
}
