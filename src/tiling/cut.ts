import { placeRgb } from '../image/canvas.ts'
import { resizeRgb, resizeRgbInTurns } from '../image/resize.ts'
import { cropRgb, type RgbImage, type Size } from '../image/rgb-image.ts'
import { InputError } from '../tensor/errors.ts'
import type { TileGroup, TilePlan } from './plan.ts'

/**
 * The plan's tiles as 8-bit pictures, in its order. Each group's copy is resized from the original picture by
 * Pillow's bicubic; groups with copies of equal size share one. Groups marked `floatFrom` come out as people
 * see them; what the published model gets is in `tilePixelValues`.
 * Golden cases `internvl-pixels` (`tiles_u8`, bit exact) and `minimonkey-msac`.
 * @throws InputError `tiling-size` when the plan was made for a picture of another size.
 */
export function cutTiles(image: RgbImage, plan: TilePlan): RgbImage[] {
  const copyAt = resizedCopies(image, plan)
  return plan.groups.flatMap((group) => cutGroup(copyAt(group.resizedTo), group))
}

/**
 * The picture, on the plan's frame where it has one, at any size: resized once for each.
 * @throws InputError `tiling-size`
 */
export function resizedCopies(image: RgbImage, plan: TilePlan): (size: Size) => RgbImage {
  checkPlanFits(image, plan)
  const framed = plan.frame ? placeRgb(image, plan.frame) : image
  const copies = new Map<string, RgbImage>()
  return ({ width, height }) => {
    const key = `${width}×${height}`
    const copy = copies.get(key) ?? resizeRgb(framed, width, height)
    copies.set(key, copy)
    return copy
  }
}

/** As `resizedCopies`, resized in turns with the event loop. @throws InputError `tiling-size` */
export function copiesInTurns(image: RgbImage, plan: TilePlan): (size: Size) => Promise<RgbImage> {
  checkPlanFits(image, plan)
  const framed = plan.frame ? placeRgb(image, plan.frame) : image
  const copies = new Map<string, Promise<RgbImage>>()
  return ({ width, height }) => {
    const key = `${width}×${height}`
    const copy = copies.get(key) ?? resizeRgbInTurns(framed, width, height)
    copies.set(key, copy)
    return copy
  }
}

/** The tiles of a group out of its resized copy, row by row. */
export function cutGroup(copy: RgbImage, group: TileGroup): RgbImage[] {
  const { columns, rows, canvas } = group
  const whole = canvas ? placeRgb(copy, canvas) : copy
  return Array.from({ length: columns * rows }, (_, i) => cutTile(whole, group, i))
}

/** Tile `index` of a group, counted row by row, out of its resized copy on the group's canvas. */
export function cutTile(whole: RgbImage, { columns, tile, stride }: TileGroup, index: number): RgbImage {
  const [column, row] = [index % columns, Math.floor(index / columns)]
  return cropRgb(whole, column * stride.width, row * stride.height, tile.width, tile.height)
}

/** @throws InputError `tiling-size` */
export function checkPlanFits(image: RgbImage, plan: TilePlan): void {
  const { width, height } = plan.original
  if (image.width !== width || image.height !== height)
    throw new InputError(
      'tiling-size',
      `The plan was made for a picture of ${width}×${height}, ` +
        `but this one is ${image.width}×${image.height}. ` +
        'Plan each picture by its own size.',
      { planned: plan.original, found: { width: image.width, height: image.height } },
    )
}
