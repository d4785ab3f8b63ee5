import type { Size } from '../image/rgb-image.ts'
import type { TilePlan } from './plan.ts'

/** How the tokens of any-res tiles are put in sequence: LLaVA's `mm_patch_merge_type`. */
export type PatchMergeType = 'flat' | 'spatial' | 'spatial_unpad'

/** Stands for the learned newline in an order of tokens. */
export const NEWLINE = -1

/**
 * The visual tokens of one picture in the order in which the language model reads them, each as `tile · perTile + token`
 * or `NEWLINE`.
 * - `flat`: tile after tile.
 * - `spatial`: the whole picture's tile, then the rows of the canvas across its tiles.
 * - `spatial_unpad`: as `spatial`, without the rows or columns of padding, and a newline behind each row.
 *
 * Source: LLaVA-NeXT, `prepare_inputs_labels_for_multimodal`, `unpad_image`; golden case `llava15-anyres`.
 * @param perTile tokens of one tile; merged in space, they are the patches of a square
 */
export function anyResTokens(plan: TilePlan, perTile: number, merge: PatchMergeType): number[] {
  const side = Math.sqrt(perTile)
  const tiles = plan.tiles.length
  const flat = Array.from({ length: tiles * perTile }, (_, i) => i)
  if (merge === 'flat' || plan.strategy !== 'anyres')
    return merge === 'spatial_unpad' && tiles === 1 ? [...flat, NEWLINE] : flat
  const { columns, rows } = plan.groups[1]!
  const map = { width: columns * side, height: rows * side }
  const seen =
    merge === 'spatial_unpad' ? unpadded(plan.original, map) : { x0: 0, y0: 0, x1: map.width, y1: map.height }
  const order = flat.slice(0, perTile)
  for (let y = seen.y0; y < seen.y1; y++) {
    for (let x = seen.x0; x < seen.x1; x++) {
      const tile = 1 + Math.floor(y / side) * columns + Math.floor(x / side)
      order.push(tile * perTile + (y % side) * side + (x % side))
    }
    if (merge === 'spatial_unpad') order.push(NEWLINE)
  }
  return order
}

/** As `anyResTokens`, for several pictures whose tiles are counted through. */
export function picturesTokens(
  plans: readonly TilePlan[],
  perTile: number,
  merge: PatchMergeType,
): number[][] {
  let first = 0
  return plans.map((plan) => {
    const order = anyResTokens(plan, perTile, merge).map((token) =>
      token === NEWLINE ? token : first + token,
    )
    first += plan.tiles.length * perTile
    return order
  })
}

/** The part of a map of patches that shows the picture; of an odd remainder one padded row or column stays. */
function unpadded({ width, height }: Size, map: Size) {
  const whole = { x0: 0, y0: 0, x1: map.width, y1: map.height }
  if (width / height > map.width / map.height) {
    const shown = Math.trunc(height * (map.width / width))
    const padding = Math.floor((map.height - shown) / 2)
    return { ...whole, y0: padding, y1: map.height - padding }
  }
  const shown = Math.trunc(width * (map.height / height))
  const padding = Math.floor((map.width - shown) / 2)
  return { ...whole, x0: padding, x1: map.width - padding }
}
