import { z } from 'zod'
import type { Decoder } from '../decoders/decoder.ts'
import { internVitConfig, internVitShapes } from '../encoders/internvit-config.ts'
import { prefixShapes, type Shapes } from '../graph/weights.ts'
import { internVlProjectorShapes } from '../projectors/internvl.ts'

/** The configuration of InternVL chat models, under the official field names; defaults are the official ones. */
export const internVlConfig = z
  .object({
    architectures: z.array(z.string()).optional(),
    vision_config: internVitConfig,
    llm_config: z.looseObject({
      architectures: z.array(z.string()).min(1),
      pad_token_id: z.int().nullish(),
    }),
    template: z.string(),
    force_image_size: z.int().positive().nullish(),
    downsample_ratio: z.number().positive().default(0.5),
    ps_version: z.enum(['v1', 'v2']).default('v1'),
    select_layer: z.int().default(-1),
    dynamic_image_size: z.boolean().default(false),
    use_thumbnail: z.boolean().default(false),
    min_dynamic_patch: z.int().positive().default(1),
    max_dynamic_patch: z.int().positive().default(6),
    pad2square: z.boolean().default(false),
    system_message: z.string().nullish(),
    use_backbone_lora: z.literal(0, 'only merged checkpoints (0) can be loaded').default(0),
    use_llm_lora: z.literal(0, 'only merged checkpoints (0) can be loaded').default(0),
  })
  .transform((config) => ({
    ...config,
    tileSize: config.force_image_size ?? config.vision_config.image_size,
  }))

export type InternVlConfig = z.output<typeof internVlConfig>

/** Visual tokens of one tile: (S/P)²·r². */
export function tokensPerTile(config: InternVlConfig): number {
  return Math.round((config.tileSize / config.vision_config.patch_size) ** 2 * config.downsample_ratio ** 2)
}

/** Every weight of the model and its shape. */
export function internVlShapes(config: InternVlConfig, decoder: Decoder): Shapes {
  const width = config.vision_config.hidden_size
  return {
    ...prefixShapes('vision_model', internVitShapes(config.vision_config)),
    ...internVlProjectorShapes(width, config.downsample_ratio, decoder.hiddenSize),
    ...prefixShapes('language_model', decoder.shapes),
  }
}
