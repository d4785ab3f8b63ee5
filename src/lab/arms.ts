import type { TilingOptions } from '../tiling/tiling.ts'

/** The tilings that are compared, in the order of the table. */
export const armNames = ['dynamic', 'fixed', 'overlapping', 's2', 'msac'] as const
export type ArmName = (typeof armNames)[number]

/** Sides of S2's pictures in tiles: as many crops as the dynamic grid's tiles and its thumbnail. */
const s2Sides = [1, 3]

/** Sides of S2's pictures in pixels. */
export function s2Pixels(tileSize: number): number[] {
  return s2Sides.map((tiles) => tiles * tileSize)
}

/**
 * Each arm's cut, at about ten tiles a page: a grid of up to 3×3 and the whole page (dynamic), a canvas of 3×3 tiles for
 * every page and the whole (fixed), 3×3 windows that overlap by half and the whole (overlapping), crops of 3×3 joined
 * with the whole along channels (S2), the dynamic grid with a second one of up to four tiles and the whole (MSAC).
 */
export function armTiling(arm: ArmName, tileSize: number): TilingOptions {
  switch (arm) {
    case 'dynamic':
      return { strategy: 'dynamic', tileSize, minTiles: 4, maxTiles: 9 }
    case 'fixed':
      return { strategy: 'fixed', tileSize, columns: 3, rows: 3 }
    case 'overlapping': {
      const side = 2 * tileSize
      return {
        strategy: 'overlapping',
        tileSize,
        canvas: { width: side, height: side },
        stride: Math.floor(tileSize / 2),
      }
    }
    case 's2': {
      const largest = s2Pixels(tileSize).at(-1)!
      const scales = s2Pixels(tileSize).map((side) => side / largest)
      return { strategy: 's2', tileSize: largest, scales, maxSplitSize: tileSize }
    }
    case 'msac':
      return {
        strategy: 'msac',
        tileSize,
        detailed: { min: 4, max: 9 },
        adaptive: { min: 2, max: 4 },
        filter: 'or',
        order: 'evaluation',
      }
  }
}

/** How an arm's model is asked and trained: S2's checkpoint says its cut itself. */
export function askedTiling(arm: ArmName, tileSize: number): TilingOptions | undefined {
  return arm === 's2' ? undefined : armTiling(arm, tileSize)
}
