import { suppressOverlaps } from '../image/box-nms.ts'
import { type Box, type LabelledBox, requireFiniteBoxes } from '../image/boxes.ts'
import type { Size } from '../image/rgb-image.ts'
import { roundHalfEven } from '../tensor/rounding.ts'

/** Which boxes the model sees, and in which coordinates; published values are the defaults. */
export interface MgLlavaBoxOptions {
  /** Whether the picture is padded to a square first (`pad_image_to_square`), as in all published image models. */
  readonly padsToSquare: boolean
  /** Side of the high-resolution picture in pixels (`image_size_aux`, 768). */
  readonly pictureSide: number
  /** Boxes of one label that overlap by more are one (0.2). */
  readonly iouThreshold?: number | undefined
  /** Above so many boxes only the surest are kept (`limit_num`, 100); null: all, as some benchmarks do. */
  readonly limit?: number | null | undefined
  /** Whether the surest are chosen within each label or over all (`limit_mode`, `per_category`). */
  readonly limitMode?: 'per_category' | 'per_image' | undefined
  /** In training, a text within 50 tokens of the most leaves room for few boxes, however many there are. */
  readonly isTextLong?: boolean | undefined
}

/** What the model is given of a picture's objects; never empty. */
export interface MgLlavaBoxes {
  /** In pixels of the square of `pictureSide`, in the order of the object tokens. */
  readonly boxes: readonly Box[]
  /** A label each; none where the only box is the dummy of a picture without objects. */
  readonly labels: readonly string[]
}

/** What stands for the objects of a picture that has none. */
const dummy: MgLlavaBoxes = { boxes: [[0, 0, 0, 0]], labels: [] }

/**
 * From a detector's boxes (pixels of the original picture, any order) to those of MG-LLaVA's object tokens: shift by the
 * padding, suppress overlaps within a label, limit, scale, crop. Boxes without a label are of one label; without a
 * score they keep their order. Boxes that the centre crop cuts off are dropped, and without any box left there is one
 * at [0, 0, 0, 0]. Source: MG-LLaVA's `dataset/utils.py`; golden case `mgllava-preprocess`.
 * @throws InputError `box-not-finite`
 */
export function mgLlavaBoxes(
  boxes: readonly LabelledBox[],
  picture: Size,
  options: MgLlavaBoxOptions,
): MgLlavaBoxes {
  const distinct = distinctBoxes(boxes, picture, options)
  const seen = limitBoxes(distinct, options).flatMap((labelled) => {
    const box = toModelPixels(labelled.box, picture, options)
    return box ? [{ ...labelled, box }] : []
  })
  if (seen.length === 0) return dummy
  return { boxes: seen.map(({ box }) => box), labels: seen.map(({ label = '' }) => label) }
}

/** The boxes in the padded picture without the overlapping ones, surest first. @throws InputError `box-not-finite` */
export function distinctBoxes(
  boxes: readonly LabelledBox[],
  { width, height }: Size,
  { padsToSquare, iouThreshold = 0.2 }: MgLlavaBoxOptions,
): LabelledBox[] {
  requireFiniteBoxes(boxes)
  const left = padsToSquare ? Math.max(0, Math.floor((height - width) / 2)) : 0
  const above = padsToSquare ? Math.max(0, Math.floor((width - height) / 2)) : 0
  const shifted = boxes.map((labelled) => {
    const [x0, y0, x1, y1] = labelled.box
    return { ...labelled, box: [x0 + left, y0 + above, x1 + left, y1 + above] as const }
  })
  return suppressOverlaps(shifted, iouThreshold).map((index) => shifted[index]!)
}

/**
 * The soft limit, for boxes in the order of their scores. `per_category`: each label keeps its 20 surest (5 where the
 * limit is below 50), label after label in the order in which they first come; many labels can exceed the limit still,
 * and nothing else cuts them.
 */
export function limitBoxes(
  boxes: readonly LabelledBox[],
  options: MgLlavaBoxOptions,
): readonly LabelledBox[] {
  const { limit = 100, limitMode = 'per_category', isTextLong = false } = options
  if (!isTextLong && (limit === null || boxes.length <= limit)) return boxes
  if (limitMode === 'per_image') return boxes.slice(0, isTextLong ? 20 : (limit ?? boxes.length))
  const most = isTextLong ? 1 : (limit ?? 0) < 50 ? 5 : 20
  const byLabel = new Map<string, LabelledBox[]>()
  for (const labelled of boxes) {
    const { label = '' } = labelled
    byLabel.set(label, [...(byLabel.get(label) ?? []), labelled])
  }
  return [...byLabel.values()].flatMap((group) => group.slice(0, most))
}

/**
 * A box of the padded picture in the pixels of the model's square: short side to `pictureSide`, rounded half to even,
 * then the centre crop; undefined where the crop leaves nothing, while a box without an area may remain.
 */
function toModelPixels(
  box: Box,
  picture: Size,
  { padsToSquare, pictureSide }: MgLlavaBoxOptions,
): Box | undefined {
  const side = Math.max(picture.width, picture.height)
  const { width, height } = padsToSquare ? { width: side, height: side } : picture
  const scale = pictureSide / Math.min(width, height)
  const start = (size: number): number => Math.floor((Math.trunc(size * scale) - pictureSide) / 2)
  const [left, above] = [start(width), start(height)]
  const [x0, y0, x1, y1] = box.map((edge) => roundHalfEven(edge * scale)) as [number, number, number, number]
  const cropped = [
    Math.max(x0 - left, 0),
    Math.max(y0 - above, 0),
    Math.min(x1 - left, pictureSide),
    Math.min(y1 - above, pictureSide),
  ] as const
  const isCutOff = cropped[2] < 0 || cropped[3] < 0 || cropped[0] > pictureSide || cropped[1] > pictureSide
  return isCutOff ? undefined : cropped
}
