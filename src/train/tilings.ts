import { Dice } from '../data/synthetic/dice.ts'
import type { TilingOptions } from '../tiling/tiling.ts'

/** How pictures are cut: one way, or several of which each sample is given one by chance. */
export type Tilings = TilingOptions | readonly TilingOptions[]

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
