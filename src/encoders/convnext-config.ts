import { z } from 'zod'
import type { Shapes } from '../graph/weights.ts'
import { CheckpointError } from '../tensor/errors.ts'

/** What makes a ConvNeXt, under timm's argument names. */
export const convNextConfig = z
  .object({
    depths: z.array(z.int().positive()).min(1),
    dims: z.array(z.int().positive()).min(1),
    norm_eps: z.number().positive().default(1e-6),
    kernel_size: z
      .int()
      .positive()
      .refine((size) => size % 2 === 1, 'must be odd')
      .default(7),
    patch_size: z.int().positive().default(4),
  })
  .refine(({ depths, dims }) => depths.length === dims.length, 'depths and dims must have one entry a stage')

export type ConvNextConfig = z.output<typeof convNextConfig>

const sizes: Readonly<Record<string, z.input<typeof convNextConfig>>> = {
  convnext_tiny: { depths: [3, 3, 9, 3], dims: [96, 192, 384, 768] },
  convnext_small: { depths: [3, 3, 27, 3], dims: [96, 192, 384, 768] },
  convnext_base: { depths: [3, 3, 27, 3], dims: [128, 256, 512, 1024] },
  convnext_large: { depths: [3, 3, 27, 3], dims: [192, 384, 768, 1536] },
  convnext_large_mlp: { depths: [3, 3, 27, 3], dims: [192, 384, 768, 1536] },
  convnext_xlarge: { depths: [3, 3, 27, 3], dims: [256, 512, 1024, 2048] },
  // timm gives this one alone another epsilon.
  convnext_xxlarge: { depths: [3, 4, 30, 3], dims: [384, 768, 1536, 3072], norm_eps: 1e-5 },
}

/** `open_clip_config.json`, as far as the image tower needs it. */
export const openClipConfig = z.object({
  model_cfg: z.object({
    embed_dim: z.int().positive(),
    vision_cfg: z.object({
      timm_model_name: z.string(),
      timm_proj: z.enum(['', 'linear', 'mlp']).nullish(),
      image_size: z.int().positive().optional(),
    }),
  }),
})

/**
 * The published ConvNeXt of a timm name (`convnext_large`, `convnext_large.clip_laion2b_soup`, …).
 * @throws CheckpointError `encoder-unknown` for a name that is no published ConvNeXt.
 */
export function namedConvNext(timmName: string): ConvNextConfig {
  const found = sizes[timmName.split('.')[0]!]
  if (found) return convNextConfig.parse(found)
  throw new CheckpointError(
    'encoder-unknown',
    `'${timmName}' is no ConvNeXt that is known here. Known names: ${Object.keys(sizes).join(', ')}.`,
    { name: timmName, known: Object.keys(sizes) },
  )
}

/**
 * Every weight of the trunk and its shape, below `visual.trunk` in open_clip's files.
 * @param layerScale the layer scale's key: timm's `gamma`, or `weight` in Eagle's and LLaVA-HR's checkpoints
 */
export function convNextShapes(
  { depths, dims, kernel_size: kernel, patch_size: patch }: ConvNextConfig,
  layerScale: 'gamma' | 'weight' = 'gamma',
): Shapes {
  const shapes: Record<string, readonly number[]> = {}
  const layer = (key: string, weight: readonly number[]): void => {
    shapes[`${key}.weight`] = weight
    shapes[`${key}.bias`] = [weight[0]!]
  }
  layer('stem.0', [dims[0]!, 3, patch, patch])
  layer('stem.1', [dims[0]!])
  for (const [s, width] of dims.entries()) {
    if (s > 0) {
      layer(`stages.${s}.downsample.0`, [dims[s - 1]!])
      layer(`stages.${s}.downsample.1`, [width, dims[s - 1]!, 2, 2])
    }
    for (let b = 0; b < depths[s]!; b++) {
      const block = `stages.${s}.blocks.${b}`
      shapes[`${block}.${layerScale}`] = [width]
      layer(`${block}.conv_dw`, [width, 1, kernel, kernel])
      layer(`${block}.norm`, [width])
      layer(`${block}.mlp.fc1`, [4 * width, width])
      layer(`${block}.mlp.fc2`, [width, 4 * width])
    }
  }
  return shapes
}
