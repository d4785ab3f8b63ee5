import { type Box, type LabelledBox, requireFiniteBoxes } from './boxes.ts'
import { paintSvg } from './encode.ts'
import type { RgbImage, Size } from './rgb-image.ts'
import { badge, distinctColours, outlined, rectangle } from './svg-shapes.ts'
import { fitText, textWidth } from './text-path.ts'

/**
 * The picture with the boxes drawn over it, each with its label and score, one colour a label (the same for the same
 * boxes at every run). Needs no fonts on the machine.
 * @throws InputError `box-not-finite` when an edge is NaN or infinite.
 */
export async function drawBoxes(image: RgbImage, boxes: readonly LabelledBox[]): Promise<RgbImage> {
  return await paintSvg(image, boxOverlay(image, boxes))
}

/**
 * The drawing that `drawBoxes` lays over a picture of `size`, as an SVG of paths alone. Boxes are clipped to the
 * picture and left out where nothing of them lies inside; a box without an area is drawn as a point or a line. The
 * surest boxes are drawn last, above the others.
 * @throws InputError `box-not-finite`
 */
export function boxOverlay(size: Size, boxes: readonly LabelledBox[]): string {
  requireFiniteBoxes(boxes)
  const colours = coloursByLabel(boxes)
  const textPixels = Math.min(28, Math.max(11, Math.round(Math.max(size.width, size.height) / 60)))
  const inOrder = boxes.toSorted((a, b) => (a.score ?? 0) - (b.score ?? 0))
  const drawn = inOrder.map((labelled) => {
    const inside = clip(labelled.box, size)
    const colour = colours.get(labelled.label ?? '')!
    return inside
      ? drawBox(inside, caption(labelled, inside, size, textPixels), colour, size, textPixels)
      : ''
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}">${drawn.join('')}</svg>`
}

/** Labels take the colours in turn, in the order in which they first come. */
function coloursByLabel(boxes: readonly LabelledBox[]): Map<string, string> {
  const labels = [...new Set(boxes.map(({ label }) => label ?? ''))]
  return new Map(labels.map((label, i) => [label, distinctColours[i % distinctColours.length]!]))
}

/** The part of a box inside the picture. */
function clip([x0, y0, x1, y1]: Box, { width, height }: Size): Box | undefined {
  const within = (value: number, most: number): number => Math.min(Math.max(value, 0), most)
  const isOutside = Math.max(x0, x1) < 0 || Math.max(y0, y1) < 0 || Math.min(x0, x1) > width
  if (isOutside || Math.min(y0, y1) > height) return undefined
  return [within(x0, width), within(y0, height), within(x1, width), within(y1, height)]
}

/** Label and score; a label too long for the picture is cut, the score never. */
function caption(
  { label = '', score }: LabelledBox,
  [x0, , x1]: Box,
  { width }: Size,
  sizePixels: number,
): string {
  const style = { sizePixels, isBold: true }
  const value = score === undefined ? '' : score.toFixed(2)
  const longest = Math.min(width, Math.max(x1 - x0, 20 * sizePixels)) - sizePixels
  const room = longest - textWidth(` ${value}`, style)
  const name = label === '' ? '' : fitText(label, room, style)
  return [name, value].filter((part) => part !== '').join(' ')
}

/** The badge stands on the box's upper edge; where the picture ends above, it hangs from it. */
function drawBox(
  [x0, y0, x1, y1]: Box,
  text: string,
  colour: string,
  size: Size,
  textPixels: number,
): string {
  const [left, top] = [Math.min(x0, x1), Math.min(y0, y1)]
  const shape = rectangle(left, top, Math.max(1, Math.abs(x1 - x0)), Math.max(1, Math.abs(y1 - y0)))
  const outline = outlined(shape, colour, { widthPixels: textPixels / 7 })
  if (text === '') return outline
  const mark = badge(text, colour, textPixels)
  const x = Math.max(0, Math.min(left, size.width - mark.width))
  return outline + mark.at(x, top >= mark.height ? top - mark.height : top)
}
