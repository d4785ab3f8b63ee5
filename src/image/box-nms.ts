import type { Box, LabelledBox } from './boxes.ts'

const { fround } = Math

/** Intersection over union, 0..1; 0 where neither box has an area. */
export function iou(a: Box, b: Box): number {
  const shared = intersection(a, b)
  const union = area(a) + area(b) - shared
  return union > 0 ? shared / union : 0
}

/** IoU less the share of the smallest box around both that neither fills: −1..1, and it falls with distance. */
export function generalisedIou(a: Box, b: Box): number {
  const union = area(a) + area(b) - intersection(a, b)
  const width = Math.max(a[2], b[2]) - Math.min(a[0], b[0])
  const height = Math.max(a[3], b[3]) - Math.min(a[1], b[1])
  const around = width * height
  return around > 0 ? iou(a, b) - (around - union) / around : iou(a, b)
}

/**
 * Which boxes stay when each, from the surest on, removes those of its label that overlap it by more than `most`
 * (IoU): their indices, surest first, earlier ones first among equals. Boxes without a score or a label count as 0
 * and as one label. Source: torchvision `batched_nms` on a CPU: scores and overlaps are float32, the bound is not, so
 * that an overlap of exactly 1/5 is more than 0.2.
 */
export function suppressOverlaps(boxes: readonly LabelledBox[], most: number): number[] {
  const score = (index: number): number => fround(boxes[index]!.score ?? 0)
  const order = [...boxes.keys()].sort((a, b) => score(b) - score(a))
  const kept = new Map<string, number[]>()
  return order.filter((index) => {
    const { box, label = '' } = boxes[index]!
    const rivals = kept.get(label) ?? []
    if (rivals.some((rival) => roundedIou(boxes[rival]!.box, box) > most)) return false
    kept.set(label, [...rivals, index])
    return true
  })
}

/** IoU with every step in float32. */
function roundedIou(a: Box, b: Box): number {
  const shared = fround(intersection(a, b))
  const union = fround(fround(fround(area(a)) + fround(area(b))) - shared)
  return union > 0 ? fround(shared / union) : 0
}

const area = ([x0, y0, x1, y1]: Box): number => (x1 - x0) * (y1 - y0)

function intersection(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0])
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1])
  return width > 0 && height > 0 ? width * height : 0
}
