import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InputError } from '../tensor/errors.ts'
import { boxOverlay, drawBoxes } from './box-overlay.ts'
import type { LabelledBox } from './boxes.ts'
import { filledImage } from './rgb-image.ts'

const size = { width: 400, height: 300 }
const rectangles = (svg: string): number => svg.match(/<rect/g)?.length ?? 0

test('draws each box twice, with a badge for its label and score', () => {
  assert.equal(rectangles(boxOverlay(size, [{ box: [10, 40, 200, 150], label: 'cat', score: 0.9 }])), 3)
  assert.equal(rectangles(boxOverlay(size, [{ box: [10, 40, 200, 150] }])), 2)
})

test('gives one colour to a label, whatever the order of the scores', () => {
  const boxes: LabelledBox[] = [
    { box: [0, 0, 9, 9], label: 'cat', score: 0.2 },
    { box: [20, 0, 29, 9], label: 'dog', score: 0.9 },
    { box: [40, 0, 49, 9], label: 'cat', score: 0.4 },
  ]
  const colours = [...boxOverlay(size, boxes).matchAll(/fill-opacity="0.08" stroke="(#\w+)"/g)].map(
    ([, c]) => c,
  )
  assert.deepEqual(colours, ['#00805e', '#00805e', '#d1431f'])
})

test('leaves out what lies outside the picture and clips what leaves it', () => {
  assert.equal(rectangles(boxOverlay(size, [{ box: [500, 10, 600, 20], label: 'far' }])), 0)
  assert.match(boxOverlay(size, [{ box: [-50, -50, 900, 900] }]), /x="0" y="0" width="400" height="300"/)
})

test('refuses edges that are no numbers', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(
      () => boxOverlay(size, [{ box: [0, 0, 5, 5] }, { box: [0, bad, 5, 5] }]),
      (error) => error instanceof InputError && error.code === 'box-not-finite' && error.data.index === 1,
    )
})

test('paints a thousand boxes with labels of 300 characters', async () => {
  const boxes = Array.from({ length: 1000 }, (_, i): LabelledBox => {
    const [x, y] = [(i * 37) % 600, (i * 91) % 440]
    return { box: [x, y, x + 40, y + 30], label: `${i % 7} `.repeat(150), score: i / 1000 }
  })
  const drawn = await drawBoxes(filledImage(640, 480, [10, 20, 30]), boxes)
  assert.ok(drawn.data.some((byte) => byte > 30))
})

test('paints on a picture of any shape', async () => {
  for (const [width, height] of [
    [1, 3000],
    [30, 20],
  ] as const) {
    const boxes = [{ box: [0, 1, width, 20] as const, label: 'a label wider than the picture', score: 0.5 }]
    const drawn = await drawBoxes(filledImage(width, height, [10, 20, 30]), boxes)
    assert.deepEqual([drawn.width, drawn.height], [width, height])
  }
})

test('a box without an area is still seen', async () => {
  const drawn = await drawBoxes(filledImage(50, 50, [0, 0, 0]), [{ box: [25, 25, 25, 25] }])
  assert.ok(drawn.data.some((byte) => byte > 0))
})
