import { allocate, type DataOf, type DType } from './dtype.ts'
import { InputError } from './errors.ts'

/** A dense row-major tensor in host memory. */
export interface HostTensor<D extends DType = DType> {
  readonly dtype: D
  readonly shape: readonly number[]
  readonly data: DataOf<D>
}

/** The product of a shape: how many elements it holds. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/**
 * A host tensor over `data` without copying it.
 * @throws InputError `tensor-size` when the data does not hold exactly the shape's elements.
 */
export function hostTensor<D extends DType>(
  dtype: D,
  shape: readonly number[],
  data: DataOf<D>,
): HostTensor<D> {
  const expected = elementCount(shape)
  if (data.length !== expected)
    throw new InputError(
      'tensor-size',
      `A tensor of shape [${shape.join(', ')}] needs ${expected} elements, but its data has ${data.length}.`,
      { shape, found: data.length, expected },
    )
  return { dtype, shape, data }
}

/** A float32 tensor from plain numbers. */
export function f32(shape: readonly number[], values: ArrayLike<number>): HostTensor<'f32'> {
  return hostTensor('f32', shape, Float32Array.from(values))
}

/** An int64 tensor from plain numbers (token ids, positions, indices). */
export function i64(shape: readonly number[], values: ArrayLike<number>): HostTensor<'i64'> {
  return hostTensor('i64', shape, BigInt64Array.from(values as ArrayLike<number> & Iterable<number>, BigInt))
}

/** A zero tensor. */
export function zeros<D extends DType>(dtype: D, shape: readonly number[]): HostTensor<D> {
  return { dtype, shape, data: allocate(dtype, elementCount(shape)) }
}
