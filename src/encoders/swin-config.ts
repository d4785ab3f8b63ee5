import { z } from 'zod'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import type { Shapes } from '../graph/weights.ts'
import { CheckpointError, InputError } from '../tensor/errors.ts'

/** A Swin transformer under the official field names. */
export const swinConfig = z
  .object({
    patch_size: z.int().positive().default(4),
    window_size: z.int().positive(),
    embed_dim: z.int().positive(),
    depths: z.array(z.int().positive()).min(1),
    num_heads: z.array(z.int().positive()).min(1),
  })
  .refine((config) => config.depths.length === config.num_heads.length, {
    message: 'it must have as many entries as depths',
    path: ['num_heads'],
  })

export type SwinConfig = z.infer<typeof swinConfig>

/** One stage of the tower: its map, its blocks, and the window that they use. */
export interface SwinStage {
  readonly rows: number
  readonly columns: number
  readonly width: number
  readonly depth: number
  readonly heads: number
  /** The configured window, or the shorter side of a map that is no larger. */
  readonly window: number
  /** By how much the odd blocks shift their windows; 0 where one window spans the shorter side. */
  readonly shift: number
}

/**
 * The stages for a picture of `height` × `width` pixels.
 * @throws InputError `swin-size` where a map is not made of whole windows, or cannot be halved.
 */
export function swinStages(config: SwinConfig, height: number, width: number): SwinStage[] {
  const { patch_size: patch, window_size: window, depths } = config
  return depths.map((depth, i) => {
    const fold = patch * 2 ** i
    const [rows, columns] = [height / fold, width / fold]
    const isWhole = Math.min(rows, columns) <= window
    const side = isWhole ? Math.min(rows, columns) : window
    if (rows % side !== 0 || columns % side !== 0 || !Number.isInteger(side))
      throw new InputError(
        'swin-size',
        `A picture of ${width}×${height} pixels gives stage ${i} a map of ${columns}×${rows}, which is not made of ` +
          `whole windows of ${side}×${side}. Use a multiple of ${patch * window * 2 ** (depths.length - 1)} pixels.`,
        { height, width, stage: i, rows, columns, window: side },
      )
    return {
      rows,
      columns,
      width: config.embed_dim * 2 ** i,
      depth,
      heads: config.num_heads[i]!,
      window: side,
      shift: isWhole ? 0 : Math.floor(window / 2),
    }
  })
}

/** Every weight of the tower and its shape for a picture size, below the tower's prefix. */
export function swinShapes(config: SwinConfig, height: number, width: number): Shapes {
  const { patch_size: patch, embed_dim: first } = config
  const shapes: Record<string, readonly number[]> = {
    'patch_embed.proj.weight': [first, 3, patch, patch],
    'patch_embed.proj.bias': [first],
    ...normShapes('patch_embed.norm', first),
  }
  const stages = swinStages(config, height, width)
  for (const [s, stage] of stages.entries()) {
    for (let b = 0; b < stage.depth; b++)
      Object.assign(
        shapes,
        swinBlockShapes(`layers.${s}.blocks.${b}`, stage.width, stage.heads, stage.window),
      )
    if (s === stages.length - 1) continue
    Object.assign(shapes, normShapes(`layers.${s}.downsample.norm`, 4 * stage.width))
    shapes[`layers.${s}.downsample.reduction.weight`] = [2 * stage.width, 4 * stage.width]
  }
  return { ...shapes, ...normShapes('norm', stages.at(-1)!.width) }
}

/** The weights of one block of the given width. */
export function swinBlockShapes(prefix: string, width: number, heads: number, window: number): Shapes {
  return {
    ...normShapes(`${prefix}.norm1`, width),
    [`${prefix}.attn.qkv.weight`]: [3 * width, width],
    [`${prefix}.attn.qkv.bias`]: [3 * width],
    [`${prefix}.attn.relative_position_bias_table`]: [(2 * window - 1) ** 2, heads],
    [`${prefix}.attn.proj.weight`]: [width, width],
    [`${prefix}.attn.proj.bias`]: [width],
    ...normShapes(`${prefix}.norm2`, width),
    [`${prefix}.mlp.fc1.weight`]: [4 * width, width],
    [`${prefix}.mlp.fc1.bias`]: [4 * width],
    [`${prefix}.mlp.fc2.weight`]: [width, 4 * width],
    [`${prefix}.mlp.fc2.bias`]: [width],
  }
}

function normShapes(prefix: string, width: number): Shapes {
  return { [`${prefix}.weight`]: [width], [`${prefix}.bias`]: [width] }
}

/** Buffers of published checkpoints that follow from the configuration and are computed anew. */
export function isSwinBuffer(key: string): boolean {
  return /\.(relative_position_index|attn_mask)$/.test(key)
}

/**
 * The configuration that a tower's weights show, for checkpoints that come without one.
 * @throws CheckpointError `weight-missing`, `swin-unknown` when the weights are not those of a Swin transformer.
 */
export function swinConfigOf(checkpoint: Checkpoint, prefix: string): SwinConfig {
  const [embed_dim, , patch_size] = checkpoint.entry(`${prefix}.patch_embed.proj.weight`).shape as number[]
  const table = (s: number): readonly number[] =>
    checkpoint.entry(`${prefix}.layers.${s}.blocks.0.attn.relative_position_bias_table`).shape
  const depths: number[] = []
  const num_heads: number[] = []
  for (let s = 0; checkpoint.has(`${prefix}.layers.${s}.blocks.0.norm1.weight`); s++) {
    let depth = 1
    while (checkpoint.has(`${prefix}.layers.${s}.blocks.${depth}.norm1.weight`)) depth++
    depths.push(depth)
    num_heads.push(table(s)[1]!)
  }
  const window_size = (Math.sqrt(table(0)[0]!) + 1) / 2
  const found = swinConfig.safeParse({ patch_size, window_size, embed_dim, depths, num_heads })
  if (found.success) return found.data
  throw new CheckpointError(
    'swin-unknown',
    `The weights ${prefix}.* in ${checkpoint.name} are not those of a Swin transformer (window ${window_size}, ` +
      `depths ${depths.join('-')}, heads ${num_heads.join('-')}).`,
    { checkpoint: checkpoint.name, window_size, depths, num_heads },
  )
}
