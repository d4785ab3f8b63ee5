import { placeRgb } from '../image/canvas.ts'
import { type Normalisation, toPixelValues } from '../image/normalise.ts'
import { interpolate } from '../image/resize-float.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import { InputError } from '../tensor/errors.ts'
import { joinFloats } from '../tensor/join-floats.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { copiesInTurns, cutGroup, cutTile, resizedCopies } from './cut.ts'
import type { TileGroup, TilePlan } from './plan.ts'
import { windowsOf } from './windows.ts'

/**
 * What the vision tower gets: the plan's tiles as normalised floats in its order, [N, 3, S, S].
 * Groups marked `floatFrom` are resized as floats, as the published code does.
 * @throws InputError `tiling-size`; `tiles-size` when groups have tiles of different sizes (S2 with scales
 * below the crop size): take `groupPixelValues` and run the tower once a group.
 */
export function tilePixelValues(
  image: RgbImage,
  plan: TilePlan,
  normalisation: Normalisation,
): HostTensor<'f32'> {
  return tilesToNormalise(image, plan, normalisation).pixels()
}

/** Tiles that are cut, a quarter of the size that they have as floats. */
export interface TilesToNormalise {
  readonly tiles: number
  /** → [tiles, 3, S, S] */
  pixels(): HostTensor<'f32'>
}

/** `tilePixelValues` in two steps: the tiles are cut now and become floats later. @throws as that one */
export function tilesToNormalise(
  image: RgbImage,
  plan: TilePlan,
  normalisation: Normalisation,
): TilesToNormalise {
  checkEqualTiles(plan)
  const cut = cutGroups(image, plan, normalisation)
  const tiles = plan.tiles.length
  return {
    tiles,
    pixels() {
      const groups = cut.map((normalised) => normalised())
      const [, C, H, W] = groups[0]!.shape as [number, number, number, number]
      return hostTensor('f32', [tiles, C, H, W], joinFloats(groups.map(({ data }) => data)))
    },
  }
}

/**
 * As `tilePixelValues`, one tile at a time in turns with the event loop: what is asked for is made, and of the picture's
 * resized copies each once. `tile` counts in the plan's order → [1, 3, S, S].
 * @throws InputError `tiling-size`, `tiles-size`
 */
export function pixelValuesInTurns(
  image: RgbImage,
  plan: TilePlan,
  normalisation: Normalisation,
): (tile: number) => Promise<HostTensor<'f32'>> {
  checkEqualTiles(plan)
  const copyAt = copiesInTurns(image, plan)
  const places = plan.groups.flatMap((group) =>
    Array.from({ length: group.columns * group.rows }, (_, index) => ({ group, index })),
  )
  const floats = new Map<TileGroup, HostTensor<'f32'>>()
  return async (tile) => {
    const { group, index } = places[tile]!
    if (!group.floatFrom) {
      const copy = await copyAt(group.resizedTo)
      const whole = group.canvas ? placeRgb(copy, group.canvas) : copy
      return toPixelValues([cutTile(whole, group, index)], normalisation)
    }
    const made = floats.get(group) ?? floatTiles(await copyAt(group.floatFrom), group, normalisation)
    floats.set(group, made)
    const [, C, H, W] = made.shape as [number, number, number, number]
    const size = C * H * W
    return hostTensor('f32', [1, C, H, W], made.data.subarray(index * size, (index + 1) * size))
  }
}

/** @throws InputError `tiles-size` */
function checkEqualTiles({ groups }: TilePlan): void {
  const { width: W, height: H } = groups[0]!.tile
  for (const [index, { tile }] of groups.entries())
    if (tile.height !== H || tile.width !== W)
      throw new InputError(
        'tiles-size',
        `Group ${index} has tiles of ${tile.width}×${tile.height}, but group 0 of ${W}×${H}. ` +
          'Take groupPixelValues() and encode each group by itself.',
        { sizes: groups.map((group) => group.tile) },
      )
}

/** Tiles of a group that is resized as floats, [tiles, 3, h, w]. */
function floatTiles(copy: RgbImage, group: TileGroup, normalisation: Normalisation): HostTensor<'f32'> {
  const canvas = toPixelValues([copy], normalisation)
  return windowsOf(interpolate(canvas, group.resizedTo, { mode: 'bicubic' }), group)
}

/**
 * As `tilePixelValues`, a tensor for each group: [tiles of the group, 3, h, w]. @throws InputError
 * `tiling-size`
 */
export function groupPixelValues(
  image: RgbImage,
  plan: TilePlan,
  normalisation: Normalisation,
): HostTensor<'f32'>[] {
  return cutGroups(image, plan, normalisation).map((normalised) => normalised())
}

/** Each group cut out of the picture, to be normalised when it is called. */
function cutGroups(
  image: RgbImage,
  plan: TilePlan,
  normalisation: Normalisation,
): (() => HostTensor<'f32'>)[] {
  const copyAt = resizedCopies(image, plan)
  return plan.groups.map((group) => {
    const copy = copyAt(group.floatFrom ?? group.resizedTo)
    if (group.floatFrom) return () => floatTiles(copy, group, normalisation)
    const tiles = cutGroup(copy, group)
    return () => toPixelValues(tiles, normalisation)
  })
}
