import { z } from 'zod'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { parseConfig } from '../checkpoint/config.ts'
import { type SwinConfig, swinConfig, swinConfigOf, swinShapes } from '../encoders/swin-config.ts'
import { prefixShapes, type Shapes } from '../graph/weights.ts'
import { CheckpointError } from '../tensor/errors.ts'

/** The head's part of the configuration (`q2l_config.json`) under the official field names. */
const q2lConfig = z.object({
  hidden_size: z.int().positive(),
  intermediate_size: z.int().positive(),
  num_attention_heads: z.int().positive(),
  num_hidden_layers: z.int().positive().max(1000),
  layer_norm_eps: z.number().positive().default(1e-12),
  hidden_act: z.literal('gelu').default('gelu'),
})

/** Both official configuration files in one; a part that is absent is read from the weights. */
const ramFile = z.object({
  swin: z.intersection(swinConfig, z.object({ image_res: z.int().positive() })).optional(),
  q2l: q2lConfig.optional(),
})

export interface RamConfig {
  readonly swin: SwinConfig
  /** Side in pixels of the square to which pictures are squashed. */
  readonly imageSize: number
  readonly q2l: z.infer<typeof q2lConfig>
  /** Width of the image tokens and of the tag descriptions, 512 as published. */
  readonly encoderWidth: number
  /** Rows of `label_embed`: tags × descriptions of each. */
  readonly descriptions: number
  /** RAM++ weighs each tag's descriptions by the picture; RAM has one embedding a tag. */
  readonly reweights: boolean
}

/** Heads of `q2l_config.json`, which no weight tells. */
const publishedHeads = 4

/**
 * The configuration of a RAM or RAM++ checkpoint. Published ones come without a file, so sizes are read from the
 * weights; a `config.json` of the form `{ swin, q2l }` goes before. The picture's side, which no weight tells either,
 * is that of all published variants: one window spans the last stage (384 for windows of 12, 224 for 7).
 * @throws CheckpointError `config-invalid`, `weight-missing`, `ram-unknown`
 */
export function ramConfigOf(checkpoint: Checkpoint, file: unknown = {}): RamConfig {
  const given = parseConfig(ramFile, file, `config.json of ${checkpoint.name}`)
  const swin = given.swin ?? swinConfigOf(checkpoint, 'visual_encoder')
  const [descriptions, encoderWidth] = checkpoint.entry('label_embed').shape
  if (descriptions === undefined || encoderWidth === undefined)
    throw new CheckpointError(
      'ram-unknown',
      `label_embed in ${checkpoint.name} is not a matrix, so this is no RAM or RAM++ checkpoint.`,
      { checkpoint: checkpoint.name },
    )
  return {
    swin,
    imageSize: given.swin?.image_res ?? swin.patch_size * swin.window_size * 2 ** (swin.depths.length - 1),
    q2l: given.q2l ?? q2lConfigOf(checkpoint),
    encoderWidth,
    descriptions,
    reweights: checkpoint.has('reweight_scale'),
  }
}

function q2lConfigOf(checkpoint: Checkpoint): RamConfig['q2l'] {
  const layer = (i: number): string => `tagging_head.encoder.layer.${i}.intermediate.dense.weight`
  const [intermediate_size, hidden_size] = checkpoint.entry(layer(0)).shape as [number, number]
  let num_hidden_layers = 1
  while (checkpoint.has(layer(num_hidden_layers))) num_hidden_layers++
  return {
    hidden_size,
    intermediate_size,
    num_attention_heads: publishedHeads,
    num_hidden_layers,
    layer_norm_eps: 1e-12,
    hidden_act: 'gelu',
  }
}

/** Every weight of the tagger and its shape. */
export function ramShapes(config: RamConfig): Shapes {
  const { swin, imageSize, encoderWidth, descriptions } = config
  const { hidden_size: hidden, intermediate_size: inner, num_hidden_layers: layers } = config.q2l
  const linear = (key: string, out: number, from: number): Shapes => ({
    [`${key}.weight`]: [out, from],
    [`${key}.bias`]: [out],
  })
  const norm = (key: string): Shapes => ({ [`${key}.weight`]: [hidden], [`${key}.bias`]: [hidden] })
  const head = Array.from({ length: layers }, (_, i): Shapes => {
    const layer = `tagging_head.encoder.layer.${i}`
    return {
      ...linear(`${layer}.crossattention.self.query`, hidden, hidden),
      ...linear(`${layer}.crossattention.self.key`, hidden, encoderWidth),
      ...linear(`${layer}.crossattention.self.value`, hidden, encoderWidth),
      ...linear(`${layer}.crossattention.output.dense`, hidden, hidden),
      ...norm(`${layer}.crossattention.output.LayerNorm`),
      ...linear(`${layer}.intermediate.dense`, inner, hidden),
      ...linear(`${layer}.output.dense`, hidden, inner),
      ...norm(`${layer}.output.LayerNorm`),
    }
  })
  return Object.assign(
    {
      ...prefixShapes('visual_encoder', swinShapes(swin, imageSize, imageSize)),
      ...linear('image_proj', encoderWidth, swin.embed_dim * 2 ** (swin.depths.length - 1)),
      label_embed: [descriptions, encoderWidth],
      ...(config.reweights && { reweight_scale: [] }),
      // Absent where the head is as wide as the descriptions.
      ...(hidden !== encoderWidth && linear('wordvec_proj', hidden, encoderWidth)),
      ...linear('fc', 1, hidden),
    },
    ...head,
  )
}
