import { type DType, sizeOf } from '../tensor/dtype.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { elementCount } from '../tensor/tensor.ts'
import type { PickleWorld } from './unpickle.ts'

/** The bytes of a storage: an entry of the archive, shared by the tensors that view it. */
export class TorchStorage {
  readonly key: string
  readonly dtype: DType
  readonly sizeBytes: number

  constructor(key: string, dtype: DType, sizeBytes: number) {
    this.key = key
    this.dtype = dtype
    this.sizeBytes = sizeBytes
  }
}

/** A tensor as PyTorch keeps it: a strided view, in elements, of a storage. */
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

  /** Whether the elements lie in row-major order without gaps. */
  get isContiguous(): boolean {
    let stride = 1
    return this.shape.toReversed().every((size, axis) => {
      const fits = size <= 1 || this.strides[this.strides.length - 1 - axis] === stride
      stride *= size
      return fits || elementCount(this.shape) === 0
    })
  }
}

/** A Python class or function that a pickle of tensors may name. */
class TorchGlobal {
  readonly name: string
  readonly dtype: DType | undefined

  constructor(name: string, dtype?: DType) {
    this.name = name
    this.dtype = dtype
  }
}

const dtypeOfStorage: Readonly<Record<string, DType>> = {
  'torch.DoubleStorage': 'f64',
  'torch.FloatStorage': 'f32',
  'torch.HalfStorage': 'f16',
  'torch.BFloat16Storage': 'bf16',
  'torch.LongStorage': 'i64',
  'torch.IntStorage': 'i32',
  'torch.ShortStorage': 'i16',
  'torch.CharStorage': 'i8',
  'torch.ByteStorage': 'u8',
  'torch.BoolStorage': 'bool',
  'torch.storage.UntypedStorage': 'u8',
  'torch.storage.TypedStorage': 'u8',
}

const dtypeOfConstant: Readonly<Record<string, DType>> = {
  'torch.float64': 'f64',
  'torch.float32': 'f32',
  'torch.float16': 'f16',
  'torch.bfloat16': 'bf16',
  'torch.int64': 'i64',
  'torch.int32': 'i32',
  'torch.int16': 'i16',
  'torch.int8': 'i8',
  'torch.uint8': 'u8',
  'torch.bool': 'bool',
}

type Build = (args: readonly unknown[], file: string) => unknown

const builders: Readonly<Record<string, Build>> = {
  'torch._utils._rebuild_tensor': ([storage, offset, shape, strides], file) =>
    rebuild(storage, undefined, offset, shape, strides, file),
  'torch._utils._rebuild_tensor_v2': ([storage, offset, shape, strides], file) =>
    rebuild(storage, undefined, offset, shape, strides, file),
  'torch._utils._rebuild_tensor_v3': ([storage, offset, shape, strides, , , dtype], file) =>
    rebuild(storage, dtype, offset, shape, strides, file),
  'torch._utils._rebuild_parameter': ([data]) => data,
  'torch._utils._rebuild_parameter_with_state': ([data]) => data,
  'torch.Size': ([sizes]) => sizes,
  'collections.OrderedDict': ([pairs], file) => dictOf(pairs, file),
  'builtins.set': ([items], file) => new Set(listOf(items, file)),
  '__builtin__.set': ([items], file) => new Set(listOf(items, file)),
}

const known: ReadonlyMap<string, TorchGlobal> = new Map(
  [
    ...Object.keys(builders).map((name) => new TorchGlobal(name)),
    ...Object.entries({ ...dtypeOfStorage, ...dtypeOfConstant }).map((pair) => new TorchGlobal(...pair)),
  ].map((global) => [global.name, global]),
)

/**
 * What the pickles of `torch.save` need and nothing more: tensors, parameters, storages and plain containers.
 * Every other global is refused by its name, because calling it is how a checkpoint would run code.
 */
export function torchWorld(file: string): PickleWorld {
  return {
    file,
    find(name) {
      const global = known.get(name)
      if (global) return global
      throw new CheckpointError(
        'pickle-global',
        `${file} wants the Python object ${name}, which is none of those that tensors need; loading it in ` +
          `Python might run code. If you trust the file, convert it to safetensors with ` +
          `safetensors.torch.save_file(model.state_dict(), 'model.safetensors').`,
        { file, global: name },
      )
    },
    call(callee, args) {
      const build = callee instanceof TorchGlobal ? builders[callee.name] : undefined
      if (!build) throw damaged(file, 'it calls what is no function')
      return build(args, file)
    },
    persistent(id) {
      const [kind, type, key, , count] = Array.isArray(id) ? (id as unknown[]) : []
      const dtype = type instanceof TorchGlobal && type.name in dtypeOfStorage ? type.dtype : undefined
      if (kind !== 'storage' || !dtype || typeof key !== 'string' || !isSize(count))
        throw damaged(file, 'a storage is described in an unknown way')
      return new TorchStorage(key, dtype, count * sizeOf(dtype))
    },
  }
}

/** A tensor whose every element lies inside its storage. */
function rebuild(
  storage: unknown,
  constant: unknown,
  offset: unknown,
  shape: unknown,
  strides: unknown,
  file: string,
): TorchTensor {
  if (!(storage instanceof TorchStorage)) throw damaged(file, 'a tensor has no storage')
  const dtype = constant instanceof TorchGlobal ? constant.dtype : storage.dtype
  if (!dtype || !isSize(offset) || !isSizes(shape) || !isSizes(strides) || shape.length !== strides.length)
    throw damaged(file, 'a tensor has no proper offset, shape and strides')
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, offset)
  const elements = elementCount(shape)
  const needed = elements === 0 ? 0 : (last + 1) * sizeOf(dtype)
  if (!Number.isSafeInteger(elements) || !(needed <= storage.sizeBytes))
    throw damaged(
      file,
      `a tensor [${shape.join(', ')}] needs ${needed} bytes of storage ${storage.key}, which has ${storage.sizeBytes}`,
    )
  return new TorchTensor(storage, dtype, offset, shape, strides)
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isSize)
}

function dictOf(pairs: unknown, file: string): Map<unknown, unknown> {
  const list = listOf(pairs, file)
  if (!list.every((pair): pair is [unknown, unknown] => Array.isArray(pair) && pair.length === 2))
    throw damaged(file, 'a dict is made of what are no pairs')
  return new Map(list)
}

function listOf(value: unknown, file: string): readonly unknown[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw damaged(file, 'a container is made of what is no list')
  return value
}

function damaged(file: string, found: string): CheckpointError {
  return new CheckpointError(
    'pickle-damaged',
    `${file} holds no proper tensors: ${found}. Pull the file again, or take the checkpoint's safetensors files.`,
    { file, found },
  )
}
