import { type DType, sizeOf } from '../tensor/dtype.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { elementCount } from '../tensor/tensor.ts'
import { type PickleCall, PickleGlobal } from './pickle.ts'

/** A block of elements in a member of the archive; an untyped one counts bytes. */
export class TorchStorage {
  readonly dtype: DType | undefined
  readonly key: string
  readonly length: number

  constructor(dtype: DType | undefined, key: string, length: number) {
    this.dtype = dtype
    this.key = key
    this.length = length
  }
}

/** A strided view of a storage; offset and strides count elements. */
export class TorchTensor {
  readonly storage: TorchStorage
  readonly dtype: DType
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]

  constructor(
    storage: TorchStorage,
    dtype: DType,
    offset: number,
    shape: readonly number[],
    strides: readonly number[],
  ) {
    this.storage = storage
    this.dtype = dtype
    this.offset = offset
    this.shape = shape
    this.strides = strides
  }
}

/** Tensors that repeat their storage (`expand`) may grow to this and no further when they are written out. */
const expandedLimitBytes = 2 ** 30

const storageTypes: Readonly<Record<string, DType>> = {
  FloatStorage: 'f32',
  HalfStorage: 'f16',
  BFloat16Storage: 'bf16',
  DoubleStorage: 'f64',
  LongStorage: 'i64',
  IntStorage: 'i32',
  ShortStorage: 'i16',
  CharStorage: 'i8',
  ByteStorage: 'u8',
  BoolStorage: 'bool',
}

const elementTypes: Readonly<Record<string, DType>> = {
  float32: 'f32',
  float16: 'f16',
  bfloat16: 'bf16',
  float64: 'f64',
  int64: 'i64',
  int32: 'i32',
  int16: 'i16',
  int8: 'i8',
  uint8: 'u8',
  bool: 'bool',
}

const dtypeOfGlobal = new Map<unknown, DType>()
const untyped = [new PickleGlobal('torch.storage.UntypedStorage'), new PickleGlobal('torch.UntypedStorage')]

/** The classes and functions that a state dict is made of; all others are refused. */
export function torchGlobals(): ReadonlyMap<string, PickleGlobal> {
  globals ??= new Map(makeGlobals().map((global) => [global.name, global]))
  return globals
}

let globals: ReadonlyMap<string, PickleGlobal> | undefined

/** Makes `torch.FloatStorage` and its like and `torch.float32` and its like, which stand for an element type. */
function typeGlobals(types: Readonly<Record<string, DType>>): PickleGlobal[] {
  return Object.entries(types).map(([name, dtype]) => {
    const global = new PickleGlobal(`torch.${name}`)
    dtypeOfGlobal.set(global, dtype)
    return global
  })
}

function makeGlobals(): PickleGlobal[] {
  const rebuild: PickleCall = (args, file) => rebuildTensor(args, file, undefined)
  return [
    ...typeGlobals(storageTypes),
    ...typeGlobals(elementTypes),
    ...untyped,
    new PickleGlobal('collections.OrderedDict', orderedDictionary),
    new PickleGlobal('torch.Size', ([sizes]) => sizes),
    new PickleGlobal('torch.device', () => null),
    new PickleGlobal('torch.Tensor'),
    new PickleGlobal('torch.nn.parameter.Parameter', ([data]) => data),
    new PickleGlobal('torch._utils._rebuild_tensor', rebuild),
    new PickleGlobal('torch._utils._rebuild_tensor_v2', rebuild),
    new PickleGlobal('torch._utils._rebuild_tensor_v3', (args, file) =>
      rebuildTensor(args, file, dtypeOfGlobal.get(args[6])),
    ),
    new PickleGlobal('torch._utils._rebuild_parameter', ([data]) => data),
    new PickleGlobal('torch._utils._rebuild_parameter_with_state', ([data]) => data),
    new PickleGlobal('torch._tensor._rebuild_from_type_v2', rebuildFromType),
  ]
}

/**
 * The storage that a persistent id `('storage', type, key, device, length)` names.
 * @throws CheckpointError `torch-damaged`
 */
export function storageOf(id: unknown, file: string): TorchStorage {
  const [kind, type, key, , length] = Array.isArray(id) ? (id as unknown[]) : []
  const dtype = dtypeOfGlobal.get(type)
  if (kind !== 'storage' || typeof key !== 'string' || !isSize(length))
    throw damaged(file, 'names something outside of itself that is no storage')
  if (!dtype && !untyped.some((global) => global === type))
    throw damaged(file, `gives storage ${key} no known element type`)
  return new TorchStorage(dtype, key, length)
}

function orderedDictionary([items = []]: readonly unknown[], file: string): Map<unknown, unknown> {
  const isPair = (item: unknown): item is [unknown, unknown] => Array.isArray(item) && item.length === 2
  if (!Array.isArray(items) || !items.every(isPair))
    throw damaged(file, 'makes a dictionary of something else than pairs')
  return new Map(items)
}

/** `(function, type, args, state)`: a subclass of Tensor, whose state is dropped. Never calls itself again. */
function rebuildFromType([rebuild, , args]: readonly unknown[], file: string): unknown {
  const isRebuild = rebuild instanceof PickleGlobal && rebuild.name.startsWith('torch._utils._rebuild_')
  if (!isRebuild || !rebuild.call || !Array.isArray(args))
    throw damaged(file, 'rebuilds a tensor by something that is no function')
  return rebuild.call(args, file)
}

/** `(storage, offset, shape, strides, …)` as PyTorch's `_rebuild_tensor` functions take them. */
function rebuildTensor(args: readonly unknown[], file: string, ownDtype: DType | undefined): TorchTensor {
  const [storage, offset, shape, strides] = args
  if (!(storage instanceof TorchStorage))
    throw damaged(file, 'rebuilds a tensor from something that is no storage')
  const dtype = ownDtype ?? storage.dtype
  if (!dtype) throw damaged(file, `gives a tensor of storage ${storage.key} no known element type`)
  if (!isSize(offset) || !isSizes(shape) || !isSizes(strides) || shape.length !== strides.length)
    throw damaged(file, `gives a tensor of storage ${storage.key} no valid offset, shape and strides`)
  const tensor = new TorchTensor(storage, dtype, offset, shape, strides)
  checkExtent(tensor, file)
  return tensor
}

function checkExtent({ storage, dtype, offset, shape, strides }: TorchTensor, file: string): void {
  const count = elementCount(shape)
  const available = storage.dtype ? storage.length : Math.floor(storage.length / sizeOf(dtype))
  const last = shape.reduce((index, size, axis) => index + (size - 1) * strides[axis]!, offset)
  if (!Number.isSafeInteger(count) || (count > 0 && last >= available))
    throw damaged(
      file,
      `gives a tensor of [${shape.join(', ')}] only ${available} elements in storage ${storage.key}`,
    )
  if (count > available && count * sizeOf(dtype) > expandedLimitBytes)
    throw damaged(file, `expands ${available} elements to [${shape.join(', ')}]`)
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 64 && value.every(isSize)
}

function damaged(file: string, found: string): CheckpointError {
  return new CheckpointError('torch-damaged', `${file}: the pickle ${found}. Pull the file again.`, {
    file,
    found,
  })
}
