import { decoderOf } from '../src/decoders/registry.ts'
import { owlv2Config, owlv2Shapes } from '../src/detectors/owlv2-config.ts'
import { type RamConfig, ramShapes } from '../src/detectors/ram-config.ts'
import { tagListFile, thresholdFile } from '../src/detectors/tag-list.ts'
import type { Shapes } from '../src/graph/weights.ts'
import { internVlConfig, internVlShapes } from '../src/systems/internvl-config.ts'
import { knownLlavaModels } from './known-llava-models.ts'
import { randomClipTokenizer } from './random-clip-tokenizer.ts'

/** A published checkpoint at its true size, for random weights in its layout. */
export interface KnownModel {
  /** Every weight and its shape. */
  readonly shapes: Shapes
  /** What else its folder holds, by file name. */
  readonly files: Readonly<Record<string, string | Uint8Array>>
  /** Its vocabulary, where an InternLM2 tokenizer is to be made up. */
  readonly vocabSize?: number
  /** Models that are published apart and that this one names, by the folders in its own that they are put into. */
  readonly parts?: Readonly<Record<string, KnownModel>>
}

const vit300m = {
  architectures: ['InternVisionModel'],
  model_type: 'intern_vit_6b',
  hidden_size: 1024,
  num_attention_heads: 16,
  intermediate_size: 4096,
  num_hidden_layers: 24,
  patch_size: 14,
  image_size: 448,
  qkv_bias: true,
  qk_normalization: false,
  norm_type: 'layer_norm',
  layer_norm_eps: 1e-6,
}

const vit6b = {
  ...vit300m,
  hidden_size: 3200,
  num_attention_heads: 25,
  intermediate_size: 12800,
  num_hidden_layers: 45,
  qkv_bias: false,
  qk_normalization: true,
  norm_type: 'rms_norm',
}

type Sizes = readonly [
  hidden: number,
  layers: number,
  heads: number,
  kvHeads: number,
  inner: number,
  vocab: number,
]

function decoder(
  architecture: string,
  [hidden, layers, heads, kvHeads, inner, vocab]: Sizes,
  rest: object,
): object {
  return {
    architectures: [architecture],
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    intermediate_size: inner,
    vocab_size: vocab,
    max_position_embeddings: 32768,
    rms_norm_eps: 1e-5,
    ...rest,
  }
}

const internLm2 = (sizes: Sizes): object =>
  decoder('InternLM2ForCausalLM', sizes, {
    rope_theta: 1000000,
    rope_scaling: { type: 'dynamic', factor: 2 },
    pad_token_id: 2,
  })

function chat(
  vision: object,
  llm: object,
  template: string,
  architecture = 'InternVLChatModel',
): () => KnownModel {
  const config = {
    architectures: [architecture],
    model_type: 'internvl_chat',
    vision_config: vision,
    llm_config: llm,
    template,
    force_image_size: 448,
    downsample_ratio: 0.5,
    ps_version: 'v2',
    select_layer: -1,
    dynamic_image_size: true,
    use_thumbnail: true,
    min_dynamic_patch: 1,
    max_dynamic_patch: 12,
  }
  return () => {
    const parsed = internVlConfig.parse(config)
    const decoder = decoderOf(parsed.llm_config, 'known-models.ts')
    return {
      shapes: internVlShapes(parsed, decoder),
      files: { 'config.json': JSON.stringify(config, undefined, 1) },
      vocabSize: decoder.vocabSize,
    }
  }
}

/** RAM++: the published code has its sizes, its folder only weights and, put there by hand, the lists of tags. */
function ramPlus(swin: RamConfig['swin'], tags: number): () => KnownModel {
  const config: RamConfig = {
    swin,
    imageSize: 384,
    q2l: {
      hidden_size: 768,
      intermediate_size: 3072,
      num_attention_heads: 4,
      num_hidden_layers: 2,
      layer_norm_eps: 1e-12,
      hidden_act: 'gelu',
    },
    encoderWidth: 512,
    descriptions: tags * 51,
    reweights: true,
  }
  const lines = (line: (i: number) => string): string =>
    `${Array.from({ length: tags }, (_, i) => line(i + 1)).join('\n')}\n`
  return () => ({
    shapes: ramShapes(config),
    files: { [tagListFile]: lines((i) => `tag ${i}`), [thresholdFile]: lines(() => '0.65') },
  })
}

/** OWLv2: published files leave out what equals the base model's values. */
function owlv2(text: object, vision: object, projection: number): () => KnownModel {
  const config = {
    architectures: ['Owlv2ForObjectDetection'],
    model_type: 'owlv2',
    projection_dim: projection,
    text_config: text,
    vision_config: vision,
  }
  return () => {
    const parsed = owlv2Config.parse(config)
    const files = {
      'config.json': JSON.stringify(config, undefined, 1),
      ...randomClipTokenizer(parsed.text_config.vocab_size),
    }
    return { shapes: owlv2Shapes(parsed), files }
  }
}

const size2b = internLm2([2048, 24, 16, 8, 8192, 92553])

/** By the name that the script takes. Sizes: InternVL2's model cards; RAM++'s and OWLv2's configuration files. */
export const knownModels: Readonly<Record<string, () => KnownModel>> = {
  'mini-monkey': chat(vit300m, size2b, 'internlm2-chat', 'MiniMonkeyChatModel'),
  'internvl2-2b': chat(vit300m, size2b, 'internlm2-chat'),
  'internvl2-1b': chat(
    vit300m,
    decoder('Qwen2ForCausalLM', [896, 24, 14, 2, 4864, 151655], { rope_theta: 1000000 }),
    'Hermes-2',
  ),
  'internvl2-8b': chat(vit300m, internLm2([4096, 32, 32, 8, 14336, 92553]), 'internlm2-chat'),
  'internvl2-26b': chat(vit6b, internLm2([6144, 48, 48, 8, 16384, 92553]), 'internlm2-chat'),
  'internvl2-40b': chat(
    vit6b,
    decoder('LlamaForCausalLM', [7168, 60, 56, 8, 20480, 64009], { rope_theta: 5000000 }),
    'Hermes-2',
  ),
  'internvl2-76b': chat(
    vit6b,
    decoder('LlamaForCausalLM', [8192, 80, 64, 8, 28672, 128265], { rope_theta: 500000 }),
    'internlm2-chat',
  ),
  'ram-plus-swin-large': ramPlus(
    { patch_size: 4, window_size: 12, embed_dim: 192, depths: [2, 2, 18, 2], num_heads: [6, 12, 24, 48] },
    4585,
  ),
  'owlv2-base': owlv2({}, { image_size: 960 }, 512),
  'owlv2-large': owlv2(
    { hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12 },
    {
      hidden_size: 1024,
      intermediate_size: 4096,
      num_hidden_layers: 24,
      num_attention_heads: 16,
      image_size: 1008,
      patch_size: 14,
    },
    768,
  ),
  ...knownLlavaModels,
}
