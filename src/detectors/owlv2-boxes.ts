import { generalisedIou, iou } from '../image/box-nms.ts'
import type { Box } from '../image/boxes.ts'
import type { HostTensor } from '../tensor/tensor.ts'

/** A patch whose best query is sure enough. */
export interface FoundBox {
  /** Index of the patch, row by row. */
  readonly patch: number
  readonly query: number
  readonly score: number
  readonly box: Box
}

const { fround } = Math

/**
 * The boxes of patches whose best query (the first among equals) scores above the threshold, in patch order; boxes
 * in pixels of the picture whose longer side is `side`, possibly beyond its edges. Nothing is clipped or merged.
 * logits [N, Q], boxes [N, 4] as cx, cy, w, h. Source: transformers 4.45 `post_process_object_detection`, in
 * float32; golden case `owlv2-tiny` (`det_*`).
 */
export function foundBoxes(
  logits: HostTensor<'f32'>,
  boxes: HostTensor<'f32'>,
  side: number,
  threshold: number,
): FoundBox[] {
  const Q = logits.shape.at(-1)!
  const found: FoundBox[] = []
  for (let patch = 0; patch < boxes.data.length / 4; patch++) {
    const row = logits.data.subarray(patch * Q, (patch + 1) * Q)
    const most = row.reduce((high, value) => Math.max(high, value))
    const score = fround(1 / (1 + Math.exp(-most)))
    if (score > fround(threshold))
      found.push({ patch, query: row.indexOf(most), score, box: corners(boxes, patch, side) })
  }
  return found
}

/** A patch's box by its corners, with the picture's longer side taken as `side`. */
function corners(boxes: HostTensor<'f32'>, patch: number, side: number): Box {
  const [cx, cy, w, h] = boxes.data.subarray(4 * patch, 4 * patch + 4) as unknown as [
    number,
    number,
    number,
    number,
  ]
  const [dx, dy] = [fround(0.5 * w), fround(0.5 * h)]
  const at = (value: number): number => fround(fround(value) * side)
  return [at(cx - dx), at(cy - dy), at(cx + dx), at(cy + dy)]
}

/**
 * The patch of a query picture whose class embedding stands for what the picture shows: among the boxes that overlap
 * the whole square best (IoU of at least 0.8 of the most; generalised IoU where none overlaps), the one least like
 * the mean embedding, which is that of the background. classEmbeds [N, t], boxes [N, 4].
 * Source: OWL-ViT (arXiv 2205.06230), appendix; transformers 4.45 `Owlv2ForObjectDetection.embed_image_query`.
 */
export function queryPatch(classEmbeds: HostTensor<'f32'>, boxes: HostTensor<'f32'>): number {
  const N = boxes.data.length / 4
  const t = classEmbeds.data.length / N
  const whole: Box = [0, 0, 1, 1]
  const overlapsBy = (measure: (a: Box, b: Box) => number): number[] =>
    Array.from({ length: N }, (_, patch) => measure(whole, corners(boxes, patch, 1)))
  const plain = overlapsBy(iou)
  const overlaps = plain.every((value) => value === 0) ? overlapsBy(generalisedIou) : plain
  const best = Math.max(...overlaps)
  // 0.8 of a negative measure would be more than the measure itself.
  const least = best > 0 ? 0.8 * best : best
  const mean = new Float64Array(t)
  classEmbeds.data.forEach((value, i) => {
    mean[i % t]! += value / N
  })
  let chosen = -1
  let lowest = Number.POSITIVE_INFINITY
  for (let patch = 0; patch < N; patch++) {
    if (overlaps[patch]! < least) continue
    const row = classEmbeds.data.subarray(patch * t, (patch + 1) * t)
    const likeness = row.reduce((sum, value, i) => sum + value * mean[i]!, 0)
    if (likeness < lowest) [chosen, lowest] = [patch, likeness]
  }
  return chosen
}
