import assert from 'node:assert/strict'
import test from 'node:test'
import { viewBytes } from './dtype.ts'

test('views aligned bytes in place', () => {
  const bytes = new Uint8Array(8)
  assert.equal(viewBytes('f32', bytes).buffer, bytes.buffer)
})

test('copies bytes that are not aligned, those of a Buffer too', () => {
  const bytes = Buffer.from([9, 0, 0, 128, 63])
  assert.deepEqual([...viewBytes('f32', bytes.subarray(1))], [1])
})
