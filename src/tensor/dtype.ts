/** Element types of host tensors and weights, under the names that safetensors files use in lower case. */
export type DType = 'f32' | 'f16' | 'bf16' | 'f64' | 'i64' | 'i32' | 'i16' | 'i8' | 'u8' | 'bool'

/** The typed array that holds each element type; half types keep their raw 16 bits, booleans are bytes 0 or 1. */
export type DataOf<D extends DType = DType> = D extends 'f32'
  ? Float32Array
  : D extends 'f16' | 'bf16'
    ? Uint16Array
    : D extends 'f64'
      ? Float64Array
      : D extends 'i64'
        ? BigInt64Array
        : D extends 'i32'
          ? Int32Array
          : D extends 'i16'
            ? Int16Array
            : D extends 'i8'
              ? Int8Array
              : Uint8Array

const arrays = {
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  f64: Float64Array,
  i64: BigInt64Array,
  i32: Int32Array,
  i16: Int16Array,
  i8: Int8Array,
  u8: Uint8Array,
  bool: Uint8Array,
} as const

/** Bytes of one element. */
export function sizeOf(dtype: DType): number {
  return arrays[dtype].BYTES_PER_ELEMENT
}

/** A new zero-filled array of `length` elements. */
export function allocate<D extends DType>(dtype: D, length: number): DataOf<D> {
  return new arrays[dtype](length) as DataOf<D>
}

/** A typed view over `bytes`; copies only when the bytes are not aligned for the element type. */
export function viewBytes<D extends DType>(dtype: D, bytes: Uint8Array): DataOf<D> {
  const size = sizeOf(dtype)
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes) // slice() of a Buffer copies nothing
  return new arrays[dtype](
    aligned.buffer as ArrayBuffer,
    aligned.byteOffset,
    bytes.byteLength / size,
  ) as DataOf<D>
}
