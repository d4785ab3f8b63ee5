import assert from 'node:assert/strict'
import { test } from 'node:test'
import { f32 } from '../tensor/tensor.ts'
import { foundBoxes, queryPatch } from './owlv2-boxes.ts'

test('takes the first of the best queries of each patch whose score is above the threshold, not on it', () => {
  const logits = f32([3, 3], [0, 2, 2, -1, -2, -3, 0, -9, -9])
  const boxes = f32([3, 4], [0.5, 0.25, 0.5, 0.5, 0, 0, 1, 1, 0.5, 0.5, 1, 1])
  const [first, ...rest] = foundBoxes(logits, boxes, 200, 0.5)
  assert.deepEqual(rest, []) // the third patch scores exactly 0.5
  assert.deepEqual([first!.patch, first!.query], [0, 1])
  assert.ok(Math.abs(first!.score - 1 / (1 + Math.exp(-2))) < 1e-6)
  assert.deepEqual(first!.box, [50, 0, 150, 100])
})

test('leaves boxes where they are, beyond the picture too', () => {
  const [found] = foundBoxes(f32([1, 1], [4]), f32([1, 4], [0.125, 1, 0.5, 0.5]), 80, 0.1)
  assert.deepEqual(found!.box, [-10, 60, 30, 100])
})

test('a query picture is stood for by the box that fills it and is least like the mean', () => {
  const whole = [0.5, 0.5, 1, 1]
  const nearly = [0.5, 0.5, 0.95, 0.95] // IoU 0.9 with the whole, above 0.8 of the most
  const small = [0.25, 0.25, 0.5, 0.5]
  const boxes = f32([3, 4], [...whole, ...nearly, ...small])
  // The mean is (1, 1): likeness 4, 1 and 1, and the third does not fill the picture.
  assert.equal(queryPatch(f32([1, 3, 2], [3, 1, 0, 1, 0, 1]), boxes), 1)
  assert.equal(queryPatch(f32([1, 3, 2], [0, 1, 3, 1, 0, 1]), boxes), 0)
})

test('where no box overlaps the query picture, the nearest is taken', () => {
  const boxes = f32([2, 4], [3, 0.5, 1, 1, 2, 0.5, 1, 1])
  assert.equal(queryPatch(f32([1, 2, 1], [-5, 1]), boxes), 1)
})
