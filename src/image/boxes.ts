import { InputError } from '../tensor/errors.ts'

/** Left, top, right and bottom edge in pixels of the original picture, possibly between pixels. */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number]

/** What stands in a box, as a detector or a person says it. */
export interface LabelledBox {
  readonly box: Box
  readonly label?: string
  /** How sure the detector is, 0 to 1. */
  readonly score?: number
}

/** @throws InputError `box-not-finite`, which names the box, when an edge is NaN or infinite. */
export function requireFiniteBoxes(boxes: readonly LabelledBox[]): void {
  const index = boxes.findIndex(({ box }) => !box.every(Number.isFinite))
  if (index < 0) return
  throw new InputError(
    'box-not-finite',
    `Box ${index} is [${boxes[index]!.box.join(', ')}], which is no place in a picture. ` +
      'Each edge must be a number of pixels: [left, top, right, bottom].',
    { index, box: boxes[index]!.box },
  )
}
