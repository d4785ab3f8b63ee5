import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkpointOf } from '../checkpoint/entries.ts'
import { zeros } from '../tensor/tensor.ts'
import { dim } from './dim.ts'
import { add, conv, embedding, linearProduct, matmul, matmulTransposed } from './ops/index.ts'
import { input } from './tensor.ts'
import { Weights } from './weights.ts'
import { addWork, workOf } from './work.ts'

const w = new Weights(
  checkpointOf(
    'three weights',
    new Map([
      ['table', zeros('f32', [100, 8])],
      ['matrix', zeros('f32', [16, 8])],
      ['filters', zeros('f32', [6, 2, 3, 3])],
    ]),
  ),
)

test('counts products with weights, products of values, and weights read', () => {
  const x = embedding(w.get('table'), input('ids', 'i64', [dim('B'), dim('T')]))
  const y = linearProduct(x, w.get('matrix')) // [B, T, 16]
  const work = workOf([matmulTransposed(y, y)])
  assert.deepEqual(
    work(
      new Map([
        ['B', 2],
        ['T', 5],
      ]),
    ),
    {
      linear: 2 * 5 * 8 * 16,
      attention: 2 * 5 * 5 * 16,
      weights: 2 * 5 * 8 + 16 * 8, // ten rows of the table, the matrix whole
    },
  )
})

test('a product that a gradient writes down again is counted once', () => {
  const [a, b] = [input('a', 'f32', [2, 3]), input('b', 'f32', [3, 4])]
  assert.equal(workOf([add(matmul(a, b), matmul(a, b))])(new Map()).attention, 2 * 3 * 4)
})

test('a convolution takes one filter for each of its outputs, of its group alone', () => {
  const picture = input('picture', 'f32', [1, 4, 10, 10])
  const maps = conv(picture, w.get('filters'), undefined, { stride: [1, 1], padding: [1, 1], groups: 2 })
  assert.equal(workOf([maps])(new Map()).linear, 6 * 100 * 2 * 9)
})

test('sums parts by how often they are done', () => {
  const part = { linear: 1, attention: 10, weights: 100 }
  assert.deepEqual(addWork([part, 3], [part, 0.5]), { linear: 3.5, attention: 35, weights: 350 })
})
