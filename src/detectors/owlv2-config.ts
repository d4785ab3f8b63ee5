import { z } from 'zod'
import { clipTextConfig, clipTextShapes, clipVisionConfig, clipVitShapes } from '../encoders/clip-config.ts'
import { prefixShapes, type Shapes } from '../graph/weights.ts'

/** Published files leave out what equals the defaults of transformers' Owlv2TextConfig: the base model's values. */
const textConfig = clipTextConfig.extend({
  max_position_embeddings: z.int().min(3).default(16),
  pad_token_id: z.int().nonnegative().default(0),
})

export type Owlv2TextConfig = z.output<typeof textConfig>

const visionConfig = clipVisionConfig.extend({
  image_size: z.int().positive().default(768),
  patch_size: z.int().positive().default(16),
})

/** The configuration of `Owlv2ForObjectDetection`, under the official field names. */
export const owlv2Config = z
  .object({
    text_config: textConfig.prefault({}),
    vision_config: visionConfig.prefault({}),
    projection_dim: z.int().positive().default(512),
  })
  .refine(({ text_config, projection_dim }) => text_config.hidden_size === projection_dim, {
    path: ['projection_dim'],
    message: 'it must equal text_config.hidden_size, for queries meet what dense0 gives',
  })

export type Owlv2Config = z.output<typeof owlv2Config>

/** Patches a side; each patch gives one box. */
export function gridSide({ vision_config: { image_size, patch_size } }: Owlv2Config): number {
  return Math.floor(image_size / patch_size)
}

/** Every weight that detection needs, and its shape. */
export function owlv2Shapes(config: Owlv2Config): Shapes {
  const { text_config: text, vision_config: vision, projection_dim } = config
  const [t, d] = [text.hidden_size, vision.hidden_size]
  return {
    ...prefixShapes('owlv2.text_model', clipTextShapes(text)),
    'owlv2.text_projection.weight': [projection_dim, t],
    ...prefixShapes('owlv2.vision_model', {
      ...clipVitShapes(vision, vision.num_hidden_layers, 'pre_layernorm'),
      ...pair('post_layernorm', [d]),
    }),
    ...pair('layer_norm', [d]),
    ...pair('class_head.dense0', [t, d]),
    ...pair('class_head.logit_shift', [1, d]),
    ...pair('class_head.logit_scale', [1, d]),
    ...mlpShapes('box_head', d, 4),
    ...mlpShapes('objectness_head', d, 1),
  }
}

function mlpShapes(name: string, width: number, outputs: number): Shapes {
  return {
    ...pair(`${name}.dense0`, [width, width]),
    ...pair(`${name}.dense1`, [width, width]),
    ...pair(`${name}.dense2`, [outputs, width]),
  }
}

/** A weight and its bias, or a norm's scale and shift. */
function pair(name: string, shape: readonly number[]): Shapes {
  return { [`${name}.weight`]: shape, [`${name}.bias`]: [shape[0]!] }
}
