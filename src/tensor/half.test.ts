import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16, toFloat32 } from './half.ts'
import { hostTensor, i64 } from './tensor.ts'

const everyHalf = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits)

/** The value of an f16 by its definition: (−1)^s · 2^(e−15) · 1.f, or 2^−14 · 0.f for e = 0. */
function f16ByDefinition(bits: number): number {
  const exponent = (bits >>> 10) & 0x1f
  const fraction = (bits & 0x3ff) / 1024
  const sign = bits & 0x8000 ? -1 : 1
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction)
}

test('gives every f16 the value of its definition', () => {
  const values = f16ToF32(everyHalf)
  for (const bits of everyHalf)
    assert.ok(Object.is(values[bits], f16ByDefinition(bits)), `f16 0x${bits.toString(16)}`)
})

test('gives every bf16 the upper half of its f32', () => {
  assert.deepEqual(
    [...bf16ToF32(Uint16Array.of(0x3f80, 0xc000, 0x0001, 0xff80))],
    [1, -2, 2 ** -133, -Infinity],
  )
})

test('returns every 16-bit pattern that is a number unchanged, and every NaN as a NaN', () => {
  const formats = { f16: [f16ToF32, f32ToF16, 0x7c00], bf16: [bf16ToF32, f32ToBf16, 0x7f80] } as const
  for (const [name, [widen, narrow, infinity]] of Object.entries(formats)) {
    const found = narrow(widen(everyHalf))
    for (const bits of everyHalf) {
      const isSame =
        found[bits] === bits || ((bits & 0x7fff) > infinity && (found[bits]! & 0x7fff) > infinity)
      assert.ok(isSame, `${name} 0x${bits.toString(16)} became 0x${found[bits]!.toString(16)}`)
    }
  }
})

test('rounds to the nearest f16, ties to even', () => {
  const cases: [number, number][] = [
    [1 + 2 ** -11, 0x3c00], // a tie: down to even
    [1 + 3 * 2 ** -11, 0x3c02], // a tie: up to even
    [1 + 2 ** -11 + 2 ** -23, 0x3c01],
    [65504, 0x7bff],
    [65519.996, 0x7bff],
    [65520, 0x7c00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000], // a tie with zero
    [2 ** -25 + 2 ** -48, 0x0001],
    [2 ** -14 - 2 ** -25, 0x0400], // a tie that carries from the subnormals into the normals
    [-0, 0x8000],
  ]
  for (const [value, bits] of cases)
    assert.equal(f32ToF16(Float32Array.of(value))[0], bits, `f16 of ${value}`)
})

test('rounds to the nearest bf16, ties to even', () => {
  const cases: [number, number][] = [
    [1 + 2 ** -8, 0x3f80],
    [1 + 3 * 2 ** -8, 0x3f82],
    [1 + 2 ** -8 + 2 ** -23, 0x3f81],
    [3.4028234663852886e38, 0x7f80],
    [-(2 ** -149), 0x8000],
  ]
  for (const [value, bits] of cases)
    assert.equal(f32ToBf16(Float32Array.of(value))[0], bits, `bf16 of ${value}`)
})

test('keeps a NaN whose payload does not fit a NaN', () => {
  const nan = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001).buffer)
  assert.deepEqual([...f32ToF16(nan)], [0x7e00, 0xfe00])
  assert.deepEqual([...f32ToBf16(nan)], [0x7fc0, 0xffc0])
})

test('never finds a nearer half than the one it returns', () => {
  const toValue = { f16: f16ToF32, bf16: bf16ToF32 }
  const toHalf = { f16: f32ToF16, bf16: f32ToBf16 }
  const format = fc.constantFrom('f16', 'bf16')
  fc.assert(
    fc.property(format, fc.float({ noNaN: true, min: -65504, max: 65504 }), (name, value) => {
      const bits = toHalf[name](Float32Array.of(value))[0]!
      const [nearest, ...neighbours] = toValue[name](Uint16Array.of(bits, bits + 1, bits - 1))
      const error = Math.abs(nearest! - value)
      for (const other of neighbours)
        if (Number.isFinite(other))
          assert.ok(error <= Math.abs(other - value), `${value}: ${nearest} or ${other}`)
    }),
    { seed: 7, numRuns: 2000 },
  )
})

test('reads any element type as float32', () => {
  assert.deepEqual([...toFloat32(i64([2], [-3, 7])).data], [-3, 7])
  assert.deepEqual([...toFloat32(hostTensor('bool', [2], Uint8Array.of(0, 1))).data], [0, 1])
  assert.deepEqual([...toFloat32(hostTensor('f64', [1], Float64Array.of(0.1))).data], [Math.fround(0.1)])
  assert.deepEqual([...toFloat32(hostTensor('f16', [1], Uint16Array.of(0xc000))).data], [-2])
  const own = hostTensor('f32', [1], Float32Array.of(5))
  assert.equal(toFloat32(own).data, own.data)
})
