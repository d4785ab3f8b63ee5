import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { allocate, type DType } from '../tensor/dtype.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import { checkpointOf, checkpointOfEntries } from './entries.ts'
import { memorySource } from './memory.ts'
import { readSafetensors } from './safetensors.ts'
import { findNonFinite } from './scan.ts'
import { writeSafetensors } from './write-safetensors.ts'

/** Raw bits of 1, of the largest finite number, and of −∞ and a NaN, by element type. */
const formats = {
  f16: { finite: [0x3c00, 0xfbff], broken: [0xfc00, 0x7c01] },
  bf16: { finite: [0x3f80, 0xff7f], broken: [0xff80, 0x7f81] },
  f32: { finite: [0x3f800000, 0xff7fffff], broken: [0xff800000, 0x7f800001] },
  f64: {
    finite: [0x3ff0000000000000n, 0xffefffffffffffffn],
    broken: [0xfff0000000000000n, 0x7ff0000000000001n],
  },
} as const
type Float = keyof typeof formats

function tensorOf(dtype: Float, isBroken: readonly boolean[]): HostTensor {
  const { finite, broken } = formats[dtype]
  const data = allocate(dtype, isBroken.length)
  const view = new DataView(data.buffer)
  for (const [i, breaks] of isBroken.entries()) {
    const bits = (breaks ? broken : finite)[i % 2]!
    if (typeof bits === 'bigint') view.setBigUint64(8 * i, bits, true)
    else if (dtype === 'f32') view.setUint32(4 * i, bits, true)
    else view.setUint16(2 * i, bits, true)
  }
  return { dtype, shape: [isBroken.length], data }
}

test('counts every NaN and infinity and finds the first, in memory and in a file', async () => {
  const dtype = fc.constantFrom<Float>('f16', 'bf16', 'f32', 'f64')
  await fc.assert(
    fc.asyncProperty(dtype, fc.array(fc.boolean(), { maxLength: 20 }), async (dtype, isBroken) => {
      const tensors = new Map([['w', tensorOf(dtype, isBroken)]])
      const count = isBroken.filter(Boolean).length
      const expected = count > 0 ? [{ key: 'w', count, firstIndex: isBroken.indexOf(true) }] : []
      const file = memorySource('a page', new Map([['w', writeSafetensors(tensors)]]))
      assert.deepEqual(await findNonFinite(checkpointOf('memory', tensors)), expected)
      assert.deepEqual(
        await findNonFinite(checkpointOfEntries('file', await readSafetensors(file, 'w'))),
        expected,
      )
    }),
    { seed: 9, numRuns: 150 },
  )
})

test('finds one in a later chunk', async () => {
  const data = new Uint16Array(9 * 2 ** 20 + 1)
  data[data.length - 1] = 0x7f80
  const tensors = new Map([['w', { dtype: 'bf16' as DType, shape: [data.length], data }]])
  assert.deepEqual(await findNonFinite(checkpointOf('memory', tensors)), [
    { key: 'w', count: 1, firstIndex: data.length - 1 },
  ])
})

test('looks only at the keys asked for and stops when told', async () => {
  const checkpoint = checkpointOf(
    'memory',
    new Map([
      ['a', tensorOf('f32', [true])],
      ['b', tensorOf('f32', [true])],
    ]),
  )
  assert.deepEqual(
    (await findNonFinite(checkpoint, { keys: ['b'] })).map(({ key }) => key),
    ['b'],
  )
  await assert.rejects(findNonFinite(checkpoint, { signal: AbortSignal.abort() }), {
    code: 'aborted',
    data: { key: 'a', found: [] },
  })
})
