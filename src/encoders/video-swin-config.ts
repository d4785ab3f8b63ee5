import { z } from 'zod'

const axes = z.tuple([z.int().positive(), z.int().positive(), z.int().positive()])

/** A Video Swin tower under the official field names; patches and windows are [frames, rows, columns]. */
export const videoSwinConfig = z
  .object({
    patch_size: axes.default([2, 4, 4]),
    window_size: axes,
    embed_dim: z.int().positive(),
    depths: z.array(z.int().positive()).min(1),
    num_heads: z.array(z.int().positive()).min(1),
    mlp_ratio: z.literal(4).default(4),
  })
  .refine((config) => config.depths.length === config.num_heads.length, {
    message: 'it must have as many entries as depths',
    path: ['num_heads'],
  })

export type VideoSwinConfig = z.output<typeof videoSwinConfig>
