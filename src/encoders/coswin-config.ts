import { z } from 'zod'

/** How tokens are embedded between the stages. */
const downsample = z.object({
  kernel: z.int().positive(),
  stride: z.int().positive(),
  padding: z.int().nonnegative(),
})

/**
 * A CoSwin tower under the field names of its public implementation (GLIP's `swint_v2`); the sizes of the published
 * Florence model are not known. `layer_scale` and norms of early stages are seen in the weights.
 */
export const coswinConfig = z
  .object({
    embed_dim: z.int().positive(),
    depths: z.array(z.int().positive()).min(1),
    num_heads: z.array(z.int().positive()).min(1),
    window_size: z.int().positive(),
    patch_size: z.int().positive().default(7),
    patch_stride: z.int().positive().default(4),
    patch_padding: z.int().nonnegative().default(2),
    downsample: downsample.default({ kernel: 3, stride: 2, padding: 1 }),
    mlp_ratio: z.literal(4).default(4),
    qkv_bias: z.literal(true).default(true),
  })
  .refine((config) => config.depths.length === config.num_heads.length, {
    message: 'it must have as many entries as depths',
    path: ['num_heads'],
  })

export type CoswinConfig = z.output<typeof coswinConfig>
