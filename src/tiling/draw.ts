import { encodePng, paintSvg } from '../image/encode.ts'
import { resizeRgb } from '../image/resize.ts'
import { filledImage, pasteRgb, type RgbImage } from '../image/rgb-image.ts'
import { checkPlanFits } from './cut.ts'
import { type OverlayOptions, tilingOverlay } from './overlay.ts'
import type { TilePlan } from './plan.ts'

/**
 * A PNG that shows what the model will see: the picture once for each group of tiles, with its cuts, numbers
 * and counts. Needs no fonts on the machine.
 * @throws InputError `tiling-size` when the plan was made for a picture of another size.
 */
export async function drawTiling(
  image: RgbImage,
  plan: TilePlan,
  options: OverlayOptions = {},
): Promise<Uint8Array> {
  checkPlanFits(image, plan)
  const { width, height, background, picture, pictures, svg } = tilingOverlay(plan, options)
  const canvas = filledImage(width, height, background)
  const isTiny = picture.width > 4 * image.width // its pixels are shown as they are
  const copy = resizeRgb(image, picture.width, picture.height, isTiny ? 'nearest' : 'bicubic')
  for (const { x, y } of pictures) pasteRgb(canvas, copy, x, y)
  return await encodePng(await paintSvg(canvas, svg))
}
