import { decoderOf } from '../src/decoders/registry.ts'
import { clipVisionConfig, clipVitShapes } from '../src/encoders/clip-config.ts'
import { convNextShapes, namedConvNext } from '../src/encoders/convnext-config.ts'
import { convGateShapes } from '../src/fusion/conv-gate.ts'
import { prefixShapes } from '../src/graph/weights.ts'
import { mlpProjectorShapes } from '../src/projectors/mlp.ts'
import { llavaConfig, llavaShapes, llavaTower } from '../src/systems/llava-config.ts'
import type { KnownModel } from './known-models.ts'
import { randomLlamaTokenizer } from './random-tokenizer.ts'

const clipId = 'openai/clip-vit-large-patch14-336'
const convNextId = 'laion/CLIP-convnext_large_d_320.laion2B-s29B-b131K-ft-soup'

const clipLarge = {
  hidden_size: 1024,
  intermediate_size: 4096,
  num_hidden_layers: 24,
  num_attention_heads: 16,
  image_size: 336,
  patch_size: 14,
}

function vicuna(hidden: number, layers: number, inner: number): object {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: hidden,
    intermediate_size: inner,
    num_hidden_layers: layers,
    num_attention_heads: hidden / 128,
    num_key_value_heads: hidden / 128,
    vocab_size: 32000,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
    hidden_act: 'silu',
    tie_word_embeddings: false,
  }
}

const vicuna7b = vicuna(4096, 32, 11008)
const vicuna13b = vicuna(5120, 40, 13824)

function clipPart(): KnownModel {
  const shapes = {
    ...clipVitShapes(clipVisionConfig.parse(clipLarge)),
    'post_layernorm.weight': [1024],
    'post_layernorm.bias': [1024],
  }
  const config = { architectures: ['CLIPModel'], model_type: 'clip', vision_config: clipLarge }
  return { shapes: prefixShapes('vision_model', shapes), files: { 'config.json': json(config) } }
}

/** open_clip's file of the image tower. */
function convNextPart(): KnownModel {
  const timmName = 'convnext_large'
  const convNext = namedConvNext(timmName)
  const width = convNext.dims.at(-1)!
  const config = {
    model_cfg: {
      embed_dim: 768,
      vision_cfg: { timm_model_name: timmName, timm_proj: 'mlp', timm_drop_path: 0.1, image_size: 320 },
    },
  }
  return {
    shapes: {
      ...prefixShapes('visual.trunk', convNextShapes(convNext)),
      'visual.trunk.head.norm.weight': [width],
      'visual.trunk.head.norm.bias': [width],
      'visual.head.mlp.fc1.weight': [1536, width],
      'visual.head.mlp.fc1.bias': [1536],
      'visual.head.mlp.fc2.weight': [768, 1536],
    },
    files: { 'open_clip_config.json': json(config) },
  }
}

/** LLaVA-1.5: the vision tower is published apart. */
function llava15(language: object): () => KnownModel {
  const config = {
    ...language,
    architectures: ['LlavaLlamaForCausalLM'],
    model_type: 'llava_llama',
    mm_vision_tower: clipId,
    mm_hidden_size: 1024,
    mm_projector_type: 'mlp2x_gelu',
    mm_vision_select_layer: -2,
    mm_vision_select_feature: 'patch',
    image_aspect_ratio: 'pad',
    tokenizer_padding_side: 'right',
    tokenizer_model_max_length: 2048,
  }
  return () => {
    const decoder = decoderOf(language, 'known-llava-models.ts')
    const all = llavaShapes(llavaConfig.parse(config), clipVisionConfig.parse(clipLarge), decoder)
    return {
      shapes: Object.fromEntries(Object.entries(all).filter(([key]) => !key.startsWith(llavaTower))),
      files: { 'config.json': json(config), ...randomLlamaTokenizer(decoder.vocabSize) },
      parts: { [folderOf(clipId)]: clipPart() },
    }
  }
}

/** MG-LLaVA after stage 2: what was trained, between encoders and a tokenizer that are published apart. */
function mgLlava(language: object, languageId: string): () => KnownModel {
  const config = { architectures: ['MultiFuseObjectLLaVAModel'], llm: languageId }
  return () => {
    const decoder = decoderOf(language, 'known-llava-models.ts')
    const { dims } = namedConvNext('convnext_large')
    const [low, boxes] = [clipLarge.hidden_size, dims.reduce((sum, width) => sum + width, 0)]
    return {
      shapes: {
        ...prefixShapes('fuse_module', convGateShapes(low, dims.at(-1)!)),
        ...prefixShapes('projector.model', mlpProjectorShapes(low, decoder.hiddenSize)),
        ...prefixShapes('bbox_projector.model', mlpProjectorShapes(boxes, decoder.hiddenSize)),
        ...prefixShapes('llm', decoder.shapes),
      },
      files: { 'config.json': json(config) },
      parts: {
        [folderOf(clipId)]: clipPart(),
        [folderOf(convNextId)]: convNextPart(),
        [folderOf(languageId)]: {
          shapes: {},
          files: { 'config.json': json(language), ...randomLlamaTokenizer(decoder.vocabSize) },
        },
      },
    }
  }
}

function folderOf(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1)
}

function json(value: object): string {
  return JSON.stringify(value, undefined, 1)
}

/** LLaVA-1.5 and MG-LLaVA with the towers that they name. Sizes: the configurations of the models on the hub. */
export const knownLlavaModels: Readonly<Record<string, () => KnownModel>> = {
  'llava-1.5-7b': llava15(vicuna7b),
  'llava-1.5-13b': llava15(vicuna13b),
  'mg-llava-vicuna-7b': mgLlava(vicuna7b, 'lmsys/vicuna-7b-v1.5'),
  'mg-llava-vicuna-13b': mgLlava(vicuna13b, 'lmsys/vicuna-13b-v1.5'),
}
