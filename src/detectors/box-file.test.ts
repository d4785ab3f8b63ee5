import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InputError } from '../tensor/errors.ts'
import { parseBoxFile, recordBoxes } from './box-file.ts'

const picture = { width: 640, height: 427 }

/** What is said of a file, and its code. */
function refusal(run: () => unknown): { code: string; message: string } {
  try {
    run()
  } catch (error) {
    if (error instanceof InputError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('nothing was refused')
}

const parse = (entries: unknown): unknown => parseBoxFile(JSON.stringify(entries), picture)

test('reads boxes with and without label and score, in their order', () => {
  const entries = [{ box: [12, 30.5, 240, 200], label: 'dog', score: 0.9 }, { box: [0, 0, 64, 64] }]
  assert.deepEqual(parse(entries), entries)
  assert.deepEqual(parse([]), [])
})

test('takes boxes without an area and boxes that reach beyond the picture', () => {
  const entries = [{ box: [10, 10, 10, 10] }, { box: [-50, -50, 900, 900] }, { box: [640, 427, 700, 500] }]
  assert.deepEqual(parse(entries), entries)
})

test('takes a thousand boxes and labels of 300 characters', () => {
  const entries = Array.from({ length: 1000 }, () => ({ box: [1, 2, 3, 4], label: 'x'.repeat(300) }))
  assert.deepEqual(parse(entries), entries)
})

test('refuses what is no place in the picture, naming the box', () => {
  const outside = refusal(() => parse([{ box: [0, 0, 1, 1] }, { box: [700, 10, 800, 20] }]))
  assert.equal(outside.code, 'box-outside')
  assert.match(outside.message, /box 1 is \[700, 10, 800, 20\], but the picture is 640×427/)
  const reversed = refusal(() => parse([{ box: [300, 200, 50, 60] }]))
  assert.equal(reversed.code, 'box-reversed')
  assert.match(reversed.message, /not \[x, y, width, height\]/)
})

test('refuses NaN and Infinity, however they are written', () => {
  const broken = refusal(() => parseBoxFile('[{"box": [NaN, 0, 1, 1]}]', picture, 'boxes.json'))
  assert.match(broken.message, /boxes\.json is not valid JSON .*NaN/)
  for (const text of ['[{"box": [null, 0, 1, 1]}]', '[{"box": [0, 1e999, 1, 1]}]']) {
    const { code, message } = refusal(() => parseBoxFile(text, picture))
    assert.equal(code, 'boxes-invalid')
    assert.match(message, /entry 0\.box\.[01] must be a number of pixels/)
  }
})

test('refuses another content, naming its places', () => {
  const cases: [unknown, RegExp][] = [
    [{ boxes: [] }, /it must be a list/],
    [[{ box: [1, 2, 3] }], /entry 0\.box/],
    [[{ box: [0, 0, 1, 1], lable: 'dog' }], /entry 0 .*lable/],
    [[{ box: [0, 0, 1, 1], label: 'x'.repeat(1001) }], /entry 0\.label must be at most 1000 characters/],
    [[[0, 0, 1, 1]], /entry 0/],
    [Array.from({ length: 9 }, () => ({ box: 0 })), /; and 4 more\.$/],
  ]
  for (const [content, expected] of cases) {
    const { code, message } = refusal(() => parse(content))
    assert.equal(code, 'boxes-invalid')
    assert.match(message, expected)
  }
  const many = Array.from({ length: 10_001 }, () => ({ box: [0, 0, 1, 1] }))
  assert.equal(refusal(() => parse(many)).code, 'boxes-too-many')
})

test('reads a published record and refuses lists of different lengths', () => {
  const record = { id: 7, boxes: [[1, 2, 3, 4]], labels: ['dog'], scores: [0.5] }
  assert.deepEqual(recordBoxes(record), [{ box: [1, 2, 3, 4], label: 'dog', score: 0.5 }])
  assert.match(refusal(() => recordBoxes({ ...record, labels: [] })).message, /boxes and labels differ/)
})
