import type { ConversationRecord } from '../data/records.ts'
import { Dice } from '../data/synthetic/dice.ts'
import type { Size } from '../image/rgb-image.ts'
import type { TilePlan } from '../tiling/plan.ts'
import type { TilingOptions } from '../tiling/tiling.ts'

/** How pictures are cut: one way, or several of which each sample is given one by chance. */
export type Tilings = TilingOptions | readonly TilingOptions[]

/** How a sample's picture of some size is cut. */
export type PlanSample = (size: Size, record: ConversationRecord) => TilePlan

/** All ways in which pictures may be cut. */
export function allTilings(tilings: Tilings): readonly TilingOptions[] {
  return 'strategy' in tilings ? [tilings] : tilings
}

/** The way in which a sample's pictures are cut, the same at every epoch. */
export function tilingOf(
  tilings: Tilings,
  { images }: { readonly images: readonly string[] },
): TilingOptions {
  const all = allTilings(tilings)
  return all.length === 1 ? all[0]! : new Dice(0, `${images[0]}/tiling`).pick(all)
}
