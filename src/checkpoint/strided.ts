import { type DataOf, type DType, sizeOf, viewBytes } from '../tensor/dtype.ts'
import { elementCount } from '../tensor/tensor.ts'

/** Whether the elements lie in row-major order without gaps, so that a view of the bytes is the tensor. */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return elementCount(shape) === 0
    expected *= shape[axis]!
  }
  return true
}

/** How many elements of a storage a tensor reaches over, from its first to its last. */
export function extentOf(shape: readonly number[], strides: readonly number[]): number {
  if (elementCount(shape) === 0) return 0
  return shape.reduce((index, size, axis) => index + (size - 1) * strides[axis]!, 1)
}

/** The strided elements of `bytes` in row-major order. */
export function gather<D extends DType>(
  dtype: D,
  shape: readonly number[],
  strides: readonly number[],
  bytes: Uint8Array,
): DataOf<D> {
  const size = sizeOf(dtype)
  // Moved as raw words, because a NaN may lose its payload; eight bytes are an innermost axis of two words.
  if (size === 1) return viewBytes(dtype, gatherWords(shape, strides, viewBytes('u8', bytes)))
  if (size === 2) return viewBytes(dtype, bytesOf(gatherWords(shape, strides, viewBytes('f16', bytes))))
  const words = viewBytes('i32', bytes)
  if (size === 4) return viewBytes(dtype, bytesOf(gatherWords(shape, strides, words)))
  const wordStrides = [...strides.map((stride) => 2 * stride), 1]
  return viewBytes(dtype, bytesOf(gatherWords([...shape, 2], wordStrides, words)))
}

function gatherWords<T extends Uint8Array | Uint16Array | Int32Array>(
  shape: readonly number[],
  strides: readonly number[],
  from: T,
): T {
  const count = elementCount(shape)
  const to = new (from.constructor as new (length: number) => T)(count)
  const last = shape.length - 1
  const rowLength = shape[last] ?? 1
  const rowStride = strides[last] ?? 1
  const position = shape.map(() => 0)
  let start = 0
  for (let at = 0; at < count; ) {
    for (let i = 0, index = start; i < rowLength; i++, index += rowStride) to[at++] = from[index]!
    for (let axis = last - 1; axis >= 0; axis--) {
      start += strides[axis]!
      if (++position[axis]! < shape[axis]!) break
      start -= strides[axis]! * shape[axis]!
      position[axis] = 0
    }
  }
  return to
}

function bytesOf(words: Uint16Array | Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}
