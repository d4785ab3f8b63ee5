import { z } from 'zod'
import type { Decoder } from '../decoders/decoder.ts'
import { internVitConfig, internVitShapes } from '../encoders/internvit-config.ts'
import { prefixShapes, type Shapes } from '../graph/weights.ts'
import { internVlProjectorShapes } from '../projectors/internvl.ts'
import type { S2Options } from '../tiling/s2.ts'

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
    /** Sides of S2's pictures in pixels, as LLaVA's configurations write them (`336,672,1008`); no S2 without. */
    s2_scales: z
      .string()
      .regex(/^\d+(,\d+)*$/, 'sides in pixels with commas between them')
      .transform((sides) => sides.split(',').map(Number))
      .optional(),
    use_backbone_lora: z.literal(0, 'only merged checkpoints (0) can be loaded').default(0),
    use_llm_lora: z.literal(0, 'only merged checkpoints (0) can be loaded').default(0),
  })
  .transform((config) => ({
    ...config,
    tileSize: config.force_image_size ?? config.vision_config.image_size,
  }))
  .refine(({ s2_scales: sides, tileSize }) => !sides || areScales(sides, tileSize), {
    message: 'the first side must be the tile size, and the others multiples of it in ascending order',
    path: ['s2_scales'],
  })

function areScales(sides: readonly number[], tileSize: number): boolean {
  return (
    sides[0] === tileSize && sides.every((side, i) => side % tileSize === 0 && side > (sides[i - 1] ?? 0))
  )
}

export type InternVlConfig = z.output<typeof internVlConfig>

/** Visual tokens of one tile: (S/P)²·r². */
export function tokensPerTile(config: InternVlConfig): number {
  return Math.round((config.tileSize / config.vision_config.patch_size) ** 2 * config.downsample_ratio ** 2)
}

/** Crops along a side of each of S2's pictures, the smallest first; undefined where tiles are encoded one by one. */
export function s2Splits(config: InternVlConfig): readonly number[] | undefined {
  return config.s2_scales?.map((side) => side / config.tileSize)
}

/** The cut that a projector trained for S2 needs; undefined for all others. */
export function s2Tiling(config: InternVlConfig): S2Options | undefined {
  const largest = config.s2_scales?.at(-1)
  if (largest === undefined) return undefined
  const scales = config.s2_scales!.map((side) => side / largest)
  return { strategy: 's2', tileSize: largest, scales, maxSplitSize: config.tileSize }
}

/** How many tiles give one map of visual tokens together: all crops of a picture under S2, else 1. */
export function tilesPerMap(config: InternVlConfig): number {
  return s2Splits(config)?.reduce((sum, k) => sum + k * k, 0) ?? 1
}

/** The shape of the pixels of N maps: [N, 3, S, S], under S2 [N, crops, 3, S, S]. */
export function pixelShape<T>(config: InternVlConfig, maps: T): (T | number)[] {
  const tile = [3, config.tileSize, config.tileSize]
  return config.s2_scales ? [maps, tilesPerMap(config), ...tile] : [maps, ...tile]
}

/** Every weight of the model and its shape. */
export function internVlShapes(config: InternVlConfig, decoder: Decoder): Shapes {
  const width = config.vision_config.hidden_size * (config.s2_scales?.length ?? 1)
  return {
    ...prefixShapes('vision_model', internVitShapes(config.vision_config)),
    ...internVlProjectorShapes(width, config.downsample_ratio, decoder.hiddenSize),
    ...prefixShapes('language_model', decoder.shapes),
  }
}
