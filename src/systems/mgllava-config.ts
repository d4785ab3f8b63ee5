import { z } from 'zod'
import type { Decoder } from '../decoders/decoder.ts'
import { type ClipVisionConfig, clipVitShapes } from '../encoders/clip-config.ts'
import { type ConvNextConfig, convNextShapes } from '../encoders/convnext-config.ts'
import { layersNeeded } from '../encoders/vision-features.ts'
import { convGateShapes } from '../fusion/conv-gate.ts'
import { prefixShapes, type Shapes } from '../graph/weights.ts'
import { mlpProjectorShapes } from '../projectors/mlp.ts'
import type { MgLlavaBoxOptions } from './mgllava-boxes.ts'

/** Where the encoders' weights stand beside those that an MG-LLaVA checkpoint holds itself. */
export const lowTower = 'visual_encoder.vision_model'
export const highTower = 'visual_encoder_aux.visual.trunk'

/** A part by the hub id or path that it is published under, or its configuration. */
const part = z.union([z.string(), z.looseObject({})])

/**
 * What MG-LLaVA's training scripts configure, under their names; the published checkpoints ship no config.json, and
 * the defaults are theirs.
 */
export const mgLlavaConfig = z.object({
  llm: part,
  visual_encoder: part.default('openai/clip-vit-large-patch14-336'),
  visual_encoder_aux: part.default('laion/CLIP-convnext_large_d_320.laion2B-s29B-b131K-ft-soup'),
  visual_select_layer: z.int().default(-2),
  projector_depth: z.int().positive().default(2),
  image_size_aux: z.int().positive().default(768),
  box_feat_size: z.int().positive().default(56),
  iou_threshold: z.number().positive().default(0.2),
  limit_num: z.int().positive().nullable().default(100),
  limit_mode: z.enum(['per_category', 'per_image']).default('per_category'),
  pad_image_to_square: z.boolean().default(true),
  video_pad_image_to_square: z.boolean().default(false),
  num_frames: z.int().positive().default(8),
  /** The language model's chat template; told by its size where it is left out. */
  template: z.string().optional(),
})

export type MgLlavaConfig = z.output<typeof mgLlavaConfig>

/** A language model that MG-LLaVA was published with. */
export interface PublishedLanguageModel {
  readonly id: string
  readonly hidden: number
  readonly vocabulary: number
  readonly template: string
}

const published: readonly PublishedLanguageModel[] = [
  { id: 'lmsys/vicuna-7b-v1.5', hidden: 4096, vocabulary: 32000, template: 'vicuna' },
  { id: 'lmsys/vicuna-13b-v1.5', hidden: 5120, vocabulary: 32000, template: 'vicuna' },
  { id: 'microsoft/Phi-3-mini-4k-instruct', hidden: 3072, vocabulary: 32064, template: 'phi3_chat' },
  { id: 'meta-llama/Meta-Llama-3-8B-Instruct', hidden: 4096, vocabulary: 128256, template: 'llama3_chat' },
  { id: '01-ai/Yi-1.5-34B-Chat', hidden: 7168, vocabulary: 64000, template: 'qwen_chat' },
]

/** The published language model of these sizes; undefined where MG-LLaVA was published with none. */
export function publishedLanguageModel(
  vocabulary: number,
  hidden: number,
): PublishedLanguageModel | undefined {
  return published.find((model) => model.hidden === hidden && model.vocabulary === vocabulary)
}

/** How a picture's boxes are chosen. */
export function boxOptions(config: MgLlavaConfig, padsToSquare: boolean): MgLlavaBoxOptions {
  return {
    padsToSquare,
    pictureSide: config.image_size_aux,
    iouThreshold: config.iou_threshold,
    limit: config.limit_num,
    limitMode: config.limit_mode,
  }
}

/** The encoders and the language model of one checkpoint. */
export interface MgLlavaParts {
  readonly config: MgLlavaConfig
  readonly tower: ClipVisionConfig
  readonly convNext: ConvNextConfig
  readonly decoder: Decoder
}

/** The sides of ConvNeXt's maps: the strided convolutions floor. */
export function stageSides({ config, convNext }: Pick<MgLlavaParts, 'config' | 'convNext'>): number[] {
  const first = Math.floor(config.image_size_aux / convNext.patch_size)
  return convNext.dims.map((_, s) => Math.floor(first / 2 ** s))
}

/** Every weight of the model and its shape. */
export function mgLlavaShapes({ config, tower, convNext, decoder }: MgLlavaParts): Shapes {
  const { hidden_size: low } = tower
  const { projector_depth: depth, visual_select_layer: layer } = config
  const boxChannels = convNext.dims.reduce((sum, width) => sum + width, 0)
  return {
    ...prefixShapes(lowTower, clipVitShapes(tower, layersNeeded(tower.num_hidden_layers, layer))),
    ...prefixShapes(highTower, convNextShapes(convNext)),
    ...prefixShapes('fuse_module', convGateShapes(low, convNext.dims.at(-1)!)),
    ...prefixShapes('projector.model', mlpProjectorShapes(low, decoder.hiddenSize, depth)),
    ...prefixShapes('bbox_projector.model', mlpProjectorShapes(boxChannels, decoder.hiddenSize, depth)),
    ...prefixShapes('llm', decoder.shapes),
  }
}
