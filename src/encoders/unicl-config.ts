import { z } from 'zod'
import { type CoswinConfig, coswinConfig } from './coswin-config.ts'
import { type SwinConfig, swinConfig } from './swin-config.ts'

/** The text tower's part of the configuration, under the official field names. */
export const uniclTextConfig = z.object({
  CONTEXT_LENGTH: z.int().positive().default(77),
  WIDTH: z.int().positive(),
  HEADS: z.int().positive(),
  LAYERS: z.int().positive(),
  VOCAB_SIZE: z.int().positive().default(49408),
  // Other tokenizers are pooled at their first token, and towers that are not causal mask their padding.
  TOKENIZER: z.literal('clip').default('clip'),
  AUTOGRESSIVE: z.literal(true).default(true),
})

export type UniclTextConfig = z.output<typeof uniclTextConfig>

/** Lower-case field names, as Swin's and CoSwin's own configurations have them. */
const lowerKeys = (value: unknown): unknown =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, field]) => [key.toLowerCase(), field]))
    : value

const swinTower = z
  .object({ TYPE: z.literal('swin'), SWIN: z.preprocess(lowerKeys, swinConfig) })
  .transform(({ SWIN }): ImageTower => ({ type: 'swin', config: SWIN }))

const coswinTower = z
  .looseObject({ TYPE: z.literal('coswin') })
  .transform(lowerKeys)
  .pipe(coswinConfig)
  .transform((config): ImageTower => ({ type: 'coswin', config }))

/** The tower that looks at pictures. */
export type ImageTower =
  | { readonly type: 'swin'; readonly config: SwinConfig }
  | { readonly type: 'coswin'; readonly config: CoswinConfig }

/** A two-tower model of UniCL's or Florence's kind, under UniCL's field names. */
export const uniclConfig = z
  .object({
    MODEL: z.object({
      DIM_PROJECTION: z.int().positive(),
      IMAGE_ENCODER: z.union([swinTower, coswinTower]),
      TEXT_ENCODER: uniclTextConfig,
    }),
  })
  .transform(({ MODEL }) => ({
    projection: MODEL.DIM_PROJECTION,
    image: MODEL.IMAGE_ENCODER,
    text: MODEL.TEXT_ENCODER,
  }))

export type UniclConfig = z.output<typeof uniclConfig>
