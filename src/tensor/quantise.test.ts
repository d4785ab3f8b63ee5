import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { blockSize, quantiseRow, quantiseRowBlocks } from './quantise.ts'

/** Without magnitudes whose scale would be subnormal. */
const rows = fc
  .float32Array({ minLength: 1, maxLength: 300, noNaN: true, min: -1e6, max: 1e6 })
  .map((row) => row.map((value) => (Math.abs(value) < 1e-30 ? 0 : value)))

test('an 8-bit row is off by at most half a step, and zero stays zero', () => {
  fc.assert(
    fc.property(rows, (row) => {
      const q = new Int8Array(row.length)
      const scale = quantiseRow(row, q, 0)
      row.forEach((value, i) => {
        assert.ok(Math.abs(value - scale * q[i]!) <= scale * 0.5001, `${value} became ${scale * q[i]!}`)
        if (value === 0) assert.equal(q[i], 0)
      })
    }),
    { seed: 3 },
  )
})

test('a 4-bit block is off by at most one step, half a step but at its far end, and zero stays zero', () => {
  fc.assert(
    fc.property(rows, (row) => {
      const blocks = Math.ceil(row.length / blockSize)
      const bytes = new Uint8Array((blocks * blockSize) / 2)
      const scales = new Float32Array(blocks)
      quantiseRowBlocks(row, bytes, 0, scales, 0)
      const levelAt = (i: number): number => ((bytes[i >> 1]! >> (4 * (i & 1))) & 15) - 8
      row.forEach((value, i) => {
        const scale = scales[Math.floor(i / blockSize)]!
        const isFarEnd = value / scale > 7.5
        const bound = Math.abs(scale) * (isFarEnd ? 1.001 : 0.5001)
        assert.ok(Math.abs(value - scale * levelAt(i)) <= bound, `${value} became ${scale * levelAt(i)}`)
        if (value === 0) assert.equal(levelAt(i), 0)
      })
      for (let i = row.length; i < blocks * blockSize; i++) assert.equal(levelAt(i), 0)
    }),
    { seed: 5 },
  )
})

test('a 4-bit block gives its largest magnitude exactly, whatever its sign', () => {
  for (const peak of [3, -3]) {
    const row = Float32Array.of(peak, 1, -1, 0.5)
    const bytes = new Uint8Array(blockSize / 2)
    const scales = new Float32Array(1)
    quantiseRowBlocks(row, bytes, 0, scales, 0)
    assert.equal(scales[0]! * ((bytes[0]! & 15) - 8), peak)
  }
})

test('a value that is not finite shows in the scale', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    assert.ok(!Number.isFinite(quantiseRow(Float32Array.of(1, bad), new Int8Array(2), 0)))
    const scales = new Float32Array(1)
    quantiseRowBlocks(Float32Array.of(1, bad), new Uint8Array(blockSize / 2), 0, scales, 0)
    assert.ok(!Number.isFinite(scales[0]!))
  }
})
