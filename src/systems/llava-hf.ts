import { z } from 'zod'
import { parseConfig } from '../checkpoint/config.ts'
import { renameKeys } from '../checkpoint/entries.ts'
import { openLlava } from './llava15.ts'
import type { ModelFiles, OpenOptions } from './model-files.ts'
import type { System } from './system.ts'

/** config.json of the re-packaged checkpoints (`llava-hf/*`), under transformers' names. */
const llavaHfConfig = z.looseObject({
  architectures: z
    .array(z.enum(['LlavaForConditionalGeneration', 'LlavaNextForConditionalGeneration']))
    .min(1),
  text_config: z.looseObject({ model_type: z.enum(['llama', 'mistral']).default('llama') }),
  vision_config: z.looseObject({ model_type: z.literal('clip_vision_model').default('clip_vision_model') }),
  vision_feature_layer: z.int().default(-2),
  vision_feature_select_strategy: z.enum(['default', 'full']).default('default'),
  projector_hidden_act: z.literal('gelu').default('gelu'),
  /** [height, width] each, where LLaVA's own are [width, height]. */
  image_grid_pinpoints: z.array(z.tuple([z.int().positive(), z.int().positive()])).nullish(),
})

/** What published text_configs leave out: the defaults of transformers' LlamaConfig and MistralConfig. */
const languageDefaults = {
  llama: {
    ...{ architecture: 'LlamaForCausalLM', vocab_size: 32000, max_position_embeddings: 2048 },
    ...{ hidden_size: 4096, intermediate_size: 11008, num_hidden_layers: 32, num_attention_heads: 32 },
    rms_norm_eps: 1e-6,
  },
  mistral: {
    ...{ architecture: 'MistralForCausalLM', vocab_size: 32000, max_position_embeddings: 131072 },
    ...{ hidden_size: 4096, intermediate_size: 14336, num_hidden_layers: 32, num_attention_heads: 32 },
    ...{ num_key_value_heads: 8, rms_norm_eps: 1e-6 },
  },
}

/** How keys are called in LLaVA's own checkpoints; transformers has had two layouts. */
const renames: readonly (readonly [RegExp, string])[] = [
  [/^language_model\.(model|lm_head)\./, '$1.'],
  [/^model\.language_model\./, 'model.'],
  [/^(?:model\.)?vision_tower\./, 'model.vision_tower.vision_tower.'],
  [/^(?:model\.)?multi_modal_projector\.linear_1\./, 'model.mm_projector.0.'],
  [/^(?:model\.)?multi_modal_projector\.linear_2\./, 'model.mm_projector.2.'],
  [/^(?:model\.)?image_newline$/, 'model.image_newline'],
]

/**
 * LLaVA as transformers re-packages it. It is the same model and is run as the original: with the trained padding to a
 * square, which transformers' processor leaves out, and the original tokenisation around pictures.
 */
export function openLlavaHf(files: ModelFiles, options: OpenOptions): Promise<System> {
  return openLlava(inOriginalLayout(files), options)
}

/** The same files as LLaVA's own code would have written them. @throws CheckpointError `config-invalid` */
export function inOriginalLayout(files: ModelFiles): ModelFiles {
  const config = parseConfig(llavaHfConfig, files.config, `${files.source.name}/config.json`)
  const isNext = config.architectures[0] === 'LlavaNextForConditionalGeneration'
  const { architecture, ...defaults } = languageDefaults[config.text_config.model_type]
  const checkpoint = renameKeys(files.checkpoint, (key) => {
    const rename = renames.find(([pattern]) => pattern.test(key))
    return rename ? key.replace(...rename) : key
  })
  return {
    ...files,
    checkpoint,
    config: {
      ...defaults,
      ...config.text_config,
      architectures: [`Llava${architecture}`],
      clip_vision_config: config.vision_config,
      mm_projector_type: 'mlp2x_gelu',
      mm_vision_select_layer: config.vision_feature_layer,
      mm_vision_select_feature: config.vision_feature_select_strategy === 'full' ? 'cls_patch' : 'patch',
      image_aspect_ratio: isNext ? 'anyres' : 'pad',
      mm_patch_merge_type: isNext ? 'spatial_unpad' : 'flat',
      image_grid_pinpoints: config.image_grid_pinpoints?.map(([height, width]) => [width, height]),
    },
  }
}
