import type { Tensor as OrtTensor, TensorConstructor } from 'onnxruntime-common'
import type { DType } from '../tensor/dtype.ts'
import { allocate } from '../tensor/dtype.ts'
import { EngineError } from '../tensor/errors.ts'
import type { HostTensor } from '../tensor/tensor.ts'

const typeNames = {
  f32: 'float32',
  f16: 'float16',
  f64: 'float64',
  i64: 'int64',
  i32: 'int32',
  i16: 'int16',
  i8: 'int8',
  u8: 'uint8',
  bool: 'bool',
} as const satisfies Partial<Record<DType, OrtTensor.Type>>

const dtypes = new Map<string, DType>(
  Object.entries(typeNames).map(([dtype, name]) => [name, dtype as DType]),
)

/** A host tensor as the engine's JavaScript API takes it; the data are shared, not copied. */
export function toOrt(Tensor: TensorConstructor, tensor: HostTensor): OrtTensor {
  const type = typeNames[tensor.dtype as keyof typeof typeNames]
  if (!type) throw new EngineError('feed-type', `The engine takes no ${tensor.dtype} tensors as inputs.`)
  return new Tensor(type as 'float32', tensor.data as Float32Array, tensor.shape)
}

/** An engine's output as a host tensor, sharing its data. */
export function fromOrt(tensor: OrtTensor): HostTensor {
  const dtype = dtypes.get(tensor.type)
  if (!dtype) throw new EngineError('output-type', `The engine returned a ${tensor.type} tensor.`)
  const isEmpty = tensor.dims.includes(0)
  const data = isEmpty ? allocate(dtype, 0) : (tensor.data as HostTensor['data'])
  return { dtype, shape: tensor.dims, data }
}
