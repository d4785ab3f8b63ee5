import { z } from 'zod'
import { prefixShapes, type Shapes } from '../graph/weights.ts'

/** What CLIP's image and text towers have in common: the stack of pre-norm blocks. */
export const clipLayersConfig = z.object({
  hidden_size: z.int().positive(),
  intermediate_size: z.int().positive(),
  num_hidden_layers: z.int().positive().max(1000),
  num_attention_heads: z.int().positive(),
  hidden_act: z.enum(['quick_gelu', 'gelu']).default('quick_gelu'),
  layer_norm_eps: z.number().positive().default(1e-5),
})

export type ClipLayersConfig = z.output<typeof clipLayersConfig>

/**
 * `vision_config` of CLIP checkpoints under the official names. Published files leave out what equals the defaults of
 * transformers' CLIPVisionConfig, so these are the defaults here too.
 */
export const clipVisionConfig = clipLayersConfig.extend({
  hidden_size: z.int().positive().default(768),
  intermediate_size: z.int().positive().default(3072),
  num_hidden_layers: z.int().positive().max(1000).default(12),
  num_attention_heads: z.int().positive().default(12),
  image_size: z.int().positive().default(224),
  patch_size: z.int().positive().default(32),
})

export type ClipVisionConfig = z.output<typeof clipVisionConfig>

/** `text_config` of CLIP checkpoints; the defaults are those of transformers' CLIPTextConfig. */
export const clipTextConfig = clipLayersConfig.extend({
  hidden_size: z.int().positive().default(512),
  intermediate_size: z.int().positive().default(2048),
  num_hidden_layers: z.int().positive().max(1000).default(12),
  num_attention_heads: z.int().positive().default(8),
  vocab_size: z.int().positive().default(49408),
  max_position_embeddings: z.int().min(3).default(77),
  pad_token_id: z.int().nonnegative().default(1),
})

export type ClipTextConfig = z.output<typeof clipTextConfig>

/** Every weight of a text tower and its shape, below `text_model`. */
export function clipTextShapes(config: ClipTextConfig): Shapes {
  const { hidden_size: width } = config
  return {
    'embeddings.token_embedding.weight': [config.vocab_size, width],
    'embeddings.position_embedding.weight': [config.max_position_embeddings, width],
    ...clipLayersShapes(config),
    ...normShapes('final_layer_norm', width),
  }
}

/** How the norm before the first layer is called: CLIP's misspelling, or OWLv2's correction of it. */
export type PreNormName = 'pre_layrnorm' | 'pre_layernorm'

/**
 * Every weight of an image tower and its shape, below `vision_model`. The last norm is left out: what reads hidden
 * states does not need it, and what does adds `post_layernorm`.
 * @param layers how many layers are used; all by default
 */
export function clipVitShapes(
  config: ClipVisionConfig,
  layers = config.num_hidden_layers,
  preNorm: PreNormName = 'pre_layrnorm',
): Shapes {
  const { hidden_size: width, patch_size: patch, image_size: image } = config
  return {
    'embeddings.class_embedding': [width],
    'embeddings.patch_embedding.weight': [width, 3, patch, patch],
    'embeddings.position_embedding.weight': [Math.floor(image / patch) ** 2 + 1, width],
    ...normShapes(preNorm, width),
    ...clipLayersShapes(config, layers),
  }
}

/** The weights of the blocks, below the tower's prefix. */
export function clipLayersShapes(config: ClipLayersConfig, layers = config.num_hidden_layers): Shapes {
  const { hidden_size: width, intermediate_size: inner } = config
  const block: Shapes = {
    ...normShapes('layer_norm1', width),
    ...Object.assign(
      {},
      ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].map((name) =>
        linearShapes(`self_attn.${name}`, width, width),
      ),
    ),
    ...normShapes('layer_norm2', width),
    ...linearShapes('mlp.fc1', width, inner),
    ...linearShapes('mlp.fc2', inner, width),
  }
  const all = Array.from({ length: layers }, (_, i) => prefixShapes(`encoder.layers.${i}`, block))
  return Object.assign({}, ...all) as Shapes
}

function normShapes(name: string, width: number): Shapes {
  return { [`${name}.weight`]: [width], [`${name}.bias`]: [width] }
}

function linearShapes(name: string, from: number, to: number): Shapes {
  return { [`${name}.weight`]: [to, from], [`${name}.bias`]: [to] }
}
