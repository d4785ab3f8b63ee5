import type { HostTensor } from './tensor.ts'

/*
 * Exact conversions between float32 and the two 16-bit formats, on raw bits, because Float16Array is missing
 * from Node before 24 and from older browsers. Towards 16 bits they round to nearest, ties to even, as
 * PyTorch does; NaN stays NaN, and what overflows becomes infinity.
 */

let halfTable: Uint32Array | undefined

/** The float32 bits of one float16. */
function widenHalf(half: number): number {
  const sign = (half & 0x8000) << 16
  const exponent = (half >>> 10) & 31
  const mantissa = half & 1023
  if (exponent === 31) return sign | 0x7f800000 | (mantissa << 13)
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (mantissa << 13)
  if (mantissa === 0) return sign
  const shift = Math.clz32(mantissa) - 21 // brings a subnormal's leading one to bit 10
  return sign | ((113 - shift) << 23) | (((mantissa << shift) & 1023) << 13)
}

/** All 65536 float16 values as float32 bits; 256 KiB, made on first use. */
function table(): Uint32Array {
  halfTable ??= Uint32Array.from({ length: 65536 }, (_, half) => widenHalf(half))
  return halfTable
}

/** The float16 bits nearest to a float32 given by its bits. */
function narrowToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const size = bits & 0x7fffffff
  if (size > 0x7f800000) return sign | 0x7e00 | ((size >>> 13) & 0x1ff) // NaN, made quiet
  if (size >= 0x477ff000) return sign | 0x7c00 // 65520 and above round to infinity
  if (size >= 0x38800000) {
    const rebased = size - 0x38000000
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13)
  }
  if (size < 0x33000000) return sign // below 2^-25, half the smallest subnormal
  const shift = 126 - (size >>> 23)
  const mantissa = (size & 0x7fffff) | 0x800000
  const quotient = mantissa >>> shift
  const rest = mantissa & ((1 << shift) - 1)
  const tie = 1 << (shift - 1)
  return sign | (rest > tie || (rest === tie && (quotient & 1) === 1) ? quotient + 1 : quotient)
}

/** The float32 values of raw float16 bits. */
export function f16ToF32(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length)
  const wide = table()
  for (let i = 0; i < halves.length; i++) bits[i] = wide[halves[i]!]!
  return new Float32Array(bits.buffer)
}

/** The raw float16 bits nearest to float32 values, ties to even. */
export function f32ToF16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const halves = new Uint16Array(values.length)
  for (let i = 0; i < halves.length; i++) halves[i] = narrowToHalf(bits[i]!)
  return halves
}

/** The float32 values of raw bfloat16 bits. */
export function bf16ToF32(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length)
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16
  return new Float32Array(bits.buffer)
}

/** The raw bfloat16 bits nearest to float32 values, ties to even. */
export function f32ToBf16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const halves = new Uint16Array(values.length)
  for (let i = 0; i < halves.length; i++) {
    const size = bits[i]!
    const staysNaN = (size & 0x7fffffff) > 0x7f800000
    halves[i] = staysNaN ? (size >>> 16) | 0x40 : (size + 0x7fff + ((size >>> 16) & 1)) >>> 16
  }
  return halves
}

/** The tensor's values as float32: itself when they are, else a rounded copy (64-bit types lose precision). */
export function toFloat32(tensor: HostTensor): HostTensor<'f32'> {
  if (isFloat32(tensor)) return tensor
  return { dtype: 'f32', shape: tensor.shape, data: floats(tensor) }
}

function isFloat32(tensor: HostTensor): tensor is HostTensor<'f32'> {
  return tensor.dtype === 'f32'
}

function floats({ dtype, data }: HostTensor): Float32Array {
  if (data instanceof Float32Array) return data
  if (data instanceof BigInt64Array) return Float32Array.from(data, Number)
  if (data instanceof Uint16Array) return dtype === 'bf16' ? bf16ToF32(data) : f16ToF32(data)
  return new Float32Array(data)
}
