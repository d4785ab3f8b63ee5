import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Box, LabelledBox } from '../image/boxes.ts'
import { InputError } from '../tensor/errors.ts'
import { limitBoxes, type MgLlavaBoxOptions, mgLlavaBoxes } from './mgllava-boxes.ts'

const padded: MgLlavaBoxOptions = { padsToSquare: true, pictureSide: 768 }
const cropped: MgLlavaBoxOptions = { padsToSquare: false, pictureSide: 768 }
const at = (box: Box, label = 'dog', score = 0.5): LabelledBox => ({ box, label, score })

test('shifts by the padding, scales to the square and rounds halves to the even pixel', () => {
  const wide = { width: 512, height: 511 } // one row of padding, none of it above
  assert.deepEqual(mgLlavaBoxes([at([1, 1, 3, 5])], wide, padded).boxes, [[2, 2, 4, 8]])
  const tall = { width: 100, height: 384 } // 142 columns of padding on the left
  assert.deepEqual(mgLlavaBoxes([at([0, 0, 100, 384])], tall, padded).boxes, [[284, 0, 484, 768]])
})

test('without padding cuts the centre out and drops what it cuts off', () => {
  const wide = { width: 768 * 3, height: 768 }
  const { boxes, labels } = mgLlavaBoxes(
    [at([0, 0, 700, 768], 'cut'), at([700, 10, 1600, 20], 'kept'), at([0, 0, 768, 5], 'edge', 0.1)],
    wide,
    cropped,
  )
  assert.deepEqual(labels, ['kept', 'edge'])
  assert.deepEqual(boxes, [
    [0, 10, 768, 20],
    [0, 0, 0, 5], // what is left has no width, and stays
  ])
})

test('a picture without objects has one dummy box', () => {
  for (const boxes of [[], [at([0, 0, 5, 5])]])
    assert.deepEqual(mgLlavaBoxes(boxes, { width: 3000, height: 768 }, cropped), {
      boxes: [[0, 0, 0, 0]],
      labels: [],
    })
})

test('limits each label, and lets many labels exceed the limit', () => {
  const boxes = Array.from({ length: 1000 }, (_, i) => at([i, i, i + 1, i + 1], `label ${i % 10}`))
  const few = limitBoxes(boxes, padded)
  assert.equal(few.length, 200)
  assert.deepEqual(
    few.slice(18, 22).map(({ label }) => label),
    ['label 0', 'label 0', 'label 1', 'label 1'],
  )
  assert.equal(limitBoxes(boxes, { ...padded, limit: 49 }).length, 50)
  assert.equal(limitBoxes(boxes, { ...padded, limit: 50 }).length, 200)
  assert.equal(limitBoxes(boxes, { ...padded, limit: 70, limitMode: 'per_image' }).length, 70)
  assert.equal(limitBoxes(boxes, { ...padded, limit: null }).length, 1000)
})

test('a long text leaves one box a label, or twenty in all, even below the limit', () => {
  const boxes = Array.from({ length: 30 }, (_, i) => at([i, i, i + 1, i + 1], `label ${i % 3}`))
  assert.equal(limitBoxes(boxes, { ...padded, isTextLong: true }).length, 3)
  assert.equal(limitBoxes(boxes, { ...padded, isTextLong: true, limitMode: 'per_image' }).length, 20)
})

test('every box that is left lies in the square, and there is always one', () => {
  const edge = fc.double({ min: -500, max: 2500, noNaN: true })
  const one = fc.tuple(edge, edge, edge, edge).map((box) => at(box))
  const side = fc.integer({ min: 1, max: 2000 })
  fc.assert(
    fc.property(fc.array(one), side, side, fc.boolean(), (boxes, width, height, padsToSquare) => {
      const found = mgLlavaBoxes(boxes, { width, height }, { padsToSquare, pictureSide: 768 }).boxes
      assert.ok(found.length > 0)
      assert.ok(found.flat().every((value) => Number.isInteger(value)))
      assert.ok(found.every(([x0, y0, x1, y1]) => x0 >= 0 && y0 >= 0 && x1 <= 768 && y1 <= 768))
    }),
  )
})

test('refuses edges that are no numbers', () => {
  assert.throws(
    () => mgLlavaBoxes([at([0, 0, Number.NaN, 1])], { width: 9, height: 9 }, padded),
    (error) => error instanceof InputError && error.code === 'box-not-finite',
  )
})
