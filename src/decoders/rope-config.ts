import { z } from 'zod'
import type { RopeScaling } from './rope.ts'

const factors = z.array(z.number().positive()).min(1)

/** `rope_scaling` as the families' config.json writes it. */
export const ropeScalingConfig = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('linear'), factor: z.number().positive() }),
    z.object({ type: z.literal('dynamic'), factor: z.number().positive() }),
    z.object({ type: z.enum(['su', 'longrope', 'yarn']), short_factor: factors, long_factor: factors }),
  ])
  .nullish()

export type RopeScalingConfig = z.infer<typeof ropeScalingConfig>

/** @param originalMaxPositions `original_max_position_embeddings`, which only LongRoPE and yarn read */
export function ropeScaling(config: RopeScalingConfig, originalMaxPositions: number): RopeScaling {
  if (!config) return { type: 'none' }
  if (config.type === 'linear' || config.type === 'dynamic') return config
  return {
    type: config.type === 'yarn' ? 'yarn' : 'su',
    shortFactors: config.short_factor,
    longFactors: config.long_factor,
    originalMaxPositions,
  }
}
