import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { generalisedIou, iou, suppressOverlaps } from './box-nms.ts'
import type { Box, LabelledBox } from './boxes.ts'

test('measures overlap by area', () => {
  assert.equal(iou([0, 0, 2, 2], [1, 0, 3, 2]), 1 / 3)
  assert.equal(iou([0, 0, 2, 2], [2, 0, 4, 2]), 0)
  assert.equal(iou([1, 1, 1, 1], [1, 1, 1, 1]), 0)
  assert.equal(generalisedIou([0, 0, 1, 1], [3, 0, 4, 1]), -0.5)
  assert.equal(generalisedIou([0, 0, 2, 2], [1, 0, 3, 2]), 1 / 3)
})

test('keeps the surest of overlapping boxes of a label, surest first', () => {
  const boxes: LabelledBox[] = [
    { box: [0, 0, 10, 10], label: 'cat', score: 0.5 },
    { box: [1, 0, 11, 10], label: 'cat', score: 0.9 },
    { box: [1, 0, 11, 10], label: 'dog', score: 0.7 },
    { box: [50, 0, 60, 10], label: 'cat', score: 0.5 },
  ]
  assert.deepEqual(suppressOverlaps(boxes, 0.3), [1, 2, 3])
  assert.deepEqual(suppressOverlaps(boxes, 1), [1, 2, 0, 3])
})

test('an overlap of exactly a fifth is more than 0.2, as in float32', () => {
  const boxes: LabelledBox[] = [{ box: [0, 0, 3, 1] }, { box: [2, 0, 5, 1] }]
  assert.deepEqual(suppressOverlaps(boxes, 0.2), [0])
  assert.deepEqual(suppressOverlaps(boxes, 0.21), [0, 1])
})

test('no two kept boxes of a label overlap more, and what was removed overlaps a kept one', () => {
  const edge = fc.integer({ min: 0, max: 12 })
  const box = fc.tuple(edge, edge, edge, edge).map(([x, y, w, h]): Box => [x, y, x + w, y + h])
  const one = fc.record({ box, label: fc.constantFrom('a', 'b'), score: fc.integer({ max: 5, min: 0 }) })
  fc.assert(
    fc.property(fc.array(one, { maxLength: 20 }), fc.constantFrom(0, 0.2, 0.5), (boxes, most) => {
      const kept = suppressOverlaps(boxes, most)
      const overlaps = (a: number, b: number): boolean =>
        a !== b &&
        boxes[a]!.label === boxes[b]!.label &&
        Math.fround(iou(boxes[a]!.box, boxes[b]!.box)) > most
      assert.ok(kept.every((a) => kept.every((b) => !overlaps(a, b))))
      const removed = [...boxes.keys()].filter((index) => !kept.includes(index))
      assert.ok(removed.every((a) => kept.some((b) => overlaps(a, b) && boxes[b]!.score >= boxes[a]!.score)))
    }),
  )
})
