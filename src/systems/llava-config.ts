import { z } from 'zod'
import type { Decoder } from '../decoders/decoder.ts'
import { type ClipVisionConfig, clipVitShapes } from '../encoders/clip-config.ts'
import { layersNeeded } from '../encoders/vision-features.ts'
import { prefixShapes, type Shapes } from '../graph/weights.ts'
import { type LlavaProjectorType, llavaProjectorPattern, llavaProjectorShapes } from '../projectors/llava.ts'
import type { TilingOptions } from '../tiling/tiling.ts'

/** Where the vision tower's weights stand in LLaVA checkpoints that have them. */
export const llavaTower = 'model.vision_tower.vision_tower.vision_model'

const pinpoint = z.tuple([z.int().positive(), z.int().positive()])

/** `image_grid_pinpoints`: [[336, 672], …], also as a string. */
const pinpoints = z.union([z.array(pinpoint).min(1), z.string()]).transform((given, context) => {
  if (typeof given !== 'string') return given
  const read = z.array(pinpoint).min(1).safeParse(parseList(given))
  if (read.success) return read.data
  context.addIssue(`'${given}' is not a list such as [[336, 672], [672, 336]]`)
  return z.NEVER
})

/** LLaVA's own fields of config.json, under the official names; those of the language model stand beside them. */
export const llavaConfig = z
  .object({
    architectures: z.array(z.string()).min(1),
    mm_vision_tower: z.string().optional(),
    /** Not official: the tower's configuration, in small checkpoints that are complete by themselves. */
    clip_vision_config: z.unknown().optional(),
    mm_projector_type: z
      .string()
      .regex(llavaProjectorPattern, 'known are identity, linear and mlpNx_gelu')
      .default('linear')
      .transform((type) => type as LlavaProjectorType),
    mm_vision_select_layer: z.int().default(-2),
    mm_vision_select_feature: z.enum(['patch', 'cls_patch']).default('patch'),
    mm_use_im_start_end: z.boolean().default(false),
    image_aspect_ratio: z.enum(['square', 'pad', 'anyres']).nullish(),
    mm_patch_merge_type: z.enum(['flat', 'spatial', 'spatial_unpad']).default('flat'),
    image_grid_pinpoints: pinpoints.nullish(),
    tokenizer_padding_side: z.enum(['left', 'right']).default('right'),
    tokenizer_model_max_length: z.int().positive().nullish(),
    s2: z.literal(false, 'the multi-scale variant cannot be loaded').optional(),
  })
  .refine((c) => c.mm_vision_select_feature === 'patch' || c.mm_patch_merge_type === 'flat', {
    message: 'cls_patch cannot be merged in space: a class token has no place',
    path: ['mm_patch_merge_type'],
  })
  .refine((c) => c.image_aspect_ratio !== 'anyres' || c.image_grid_pinpoints, {
    message: 'anyres needs the list of canvases',
    path: ['image_grid_pinpoints'],
  })

export type LlavaConfig = z.output<typeof llavaConfig>

/** The language model's architecture under LLaVA's. */
export function languageArchitecture(architecture: string): string {
  return architecture.replace(/^Llava/, '')
}

/** Visual tokens of one tile before tiles are merged. */
export function tokensPerLlavaTile(config: LlavaConfig, tower: ClipVisionConfig): number {
  const patches = Math.floor(tower.image_size / tower.patch_size) ** 2
  return config.mm_vision_select_feature === 'patch' ? patches : patches + 1
}

/** How the checkpoint was trained to see pictures. */
export function llavaTiling(config: LlavaConfig, tileSize: number): TilingOptions {
  if (config.image_aspect_ratio !== 'anyres')
    return { strategy: 'square', tileSize, fit: config.image_aspect_ratio === 'pad' ? 'pad' : 'crop' }
  const canvases = config.image_grid_pinpoints!.map(([width, height]) => ({ width, height }))
  return { strategy: 'anyres', tileSize, pinpoints: canvases }
}

/** Every weight of the model and its shape; of the tower only the layers that are used. */
export function llavaShapes(config: LlavaConfig, tower: ClipVisionConfig, decoder: Decoder): Shapes {
  const layers = layersNeeded(tower.num_hidden_layers, config.mm_vision_select_layer)
  const { mm_projector_type: type, mm_patch_merge_type: merge } = config
  return {
    ...prefixShapes(llavaTower, clipVitShapes(tower, layers)),
    ...prefixShapes('model.mm_projector', llavaProjectorShapes(type, tower.hidden_size, decoder.hiddenSize)),
    ...(merge === 'spatial_unpad' && { 'model.image_newline': [decoder.hiddenSize] }),
    ...decoder.shapes,
  }
}

/** Weights that published checkpoints have and nothing reads: not worth a notice. */
export const llavaUnread =
  /\.post_layernorm\.|\.position_ids$|\.rotary_emb\.inv_freq$|vision_model\.encoder\.layers\./

function parseList(text: string): unknown {
  try {
    return JSON.parse(text.replaceAll('(', '[').replaceAll(')', ']'))
  } catch {
    return undefined // the issue that follows says what was found
  }
}
