import assert from 'node:assert/strict'
import { test } from 'node:test'
import { f32 } from '../tensor/tensor.ts'
import { interpolate } from './resize-float.ts'

const row = f32([1, 1, 1, 4], [1, 2, 4, 8])
const close = (actual: Float32Array, expected: number[]) => {
  assert.equal(actual.length, expected.length)
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(actual[i]! - value) < 1e-5, `${i}: ${actual[i]}`)
}

test('bilinear places half-pixel centres, or corners on corners', () => {
  close(interpolate(row, { width: 2, height: 1 }, { mode: 'bilinear' }).data, [1.5, 6])
  close(
    interpolate(row, { width: 7, height: 1 }, { mode: 'bilinear', alignCorners: true }).data,
    [1, 1.5, 2, 3, 4, 6, 8],
  )
})

test('bicubic at half a pixel weighs by −0.09375 and 0.59375, borders repeated', () => {
  const [far, near] = [-0.09375, 0.59375]
  close(interpolate(row, { width: 2, height: 1 }, { mode: 'bicubic' }).data, [
    far * 1 + near * 1 + near * 2 + far * 4,
    far * 2 + near * 4 + near * 8 + far * 8,
  ])
})

test('antialiased bilinear averages when shrinking', () => {
  const flat = f32([1, 1, 1, 4], [0, 0, 4, 4])
  close(interpolate(flat, { width: 1, height: 1 }, { mode: 'bilinear', antialias: true }).data, [2])
})

test('an explicit scale moves the samples as torch moves them', () => {
  const ramp = f32([1, 1, 1, 4], [0, 1, 2, 3])
  close(
    interpolate(ramp, { width: 2, height: 1 }, { mode: 'bilinear', scale: { x: 0.4, y: 1 } }).data,
    [0.75, 3],
  )
})

test('the same size is the same tensor, plane by plane', () => {
  const x = f32([2, 1, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])
  assert.deepEqual(interpolate(x, { width: 2, height: 2 }, { mode: 'bicubic' }), x)
})

test('refuses what torch refuses', () => {
  assert.throws(() => interpolate(f32([2], [1, 2]), { width: 1, height: 1 }, { mode: 'bilinear' }), {
    code: 'pixels-shape',
  })
  assert.throws(
    () =>
      interpolate(row, { width: 1, height: 1 }, { mode: 'bilinear', antialias: true, alignCorners: true }),
    { code: 'interpolate-options' },
  )
})
