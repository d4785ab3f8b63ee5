import { type Normalisation, toPixelValues } from '../image/normalise.ts'
import { interpolate } from '../image/resize-float.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import { InputError } from '../tensor/errors.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { cutGroup, resizedCopies } from './cut.ts'
import type { TilePlan } from './plan.ts'
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
  const groups = groupPixelValues(image, plan, normalisation)
  const [, C, H, W] = groups[0]!.shape as [number, number, number, number]
  for (const [index, group] of groups.entries())
    if (group.shape[2] !== H || group.shape[3] !== W)
      throw new InputError(
        'tiles-size',
        `Group ${index} has tiles of ${group.shape[3]}×${group.shape[2]}, but group 0 of ${W}×${H}. ` +
          'Take groupPixelValues() and encode each group by itself.',
        { shapes: groups.map((g) => g.shape) },
      )
  const data = new Float32Array(plan.tiles.length * C * H * W)
  let offset = 0
  for (const group of groups) {
    data.set(group.data, offset)
    offset += group.data.length
  }
  return hostTensor('f32', [plan.tiles.length, C, H, W], data)
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
  const copyAt = resizedCopies(image, plan)
  return plan.groups.map((group) => {
    if (!group.floatFrom) return toPixelValues(cutGroup(copyAt(group.resizedTo), group), normalisation)
    const canvas = toPixelValues([copyAt(group.floatFrom)], normalisation)
    return windowsOf(interpolate(canvas, group.resizedTo, { mode: 'bicubic' }), group)
  })
}
