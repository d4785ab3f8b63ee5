import { elementType } from '../../graph/onnx/proto.ts'
import { type DType, sizeOf, viewBytes } from '../../tensor/dtype.ts'
import { EngineError } from '../../tensor/errors.ts'
import { elementCount, type HostTensor, hostTensor } from '../../tensor/tensor.ts'
import { copyInto } from '../copy-into.ts'
import type { NamedTensors } from '../engine.ts'
import type { Pointer } from './api.ts'
import type { BorrowedTensors } from './borrowed-tensors.ts'
import type { OrtLibrary } from './library.ts'
import type { NativeMemory } from './memory.ts'
import { check } from './status.ts'

const dtypes = new Map(Object.entries(elementType).map(([dtype, type]) => [type, dtype as DType]))

/** Results up to this size become ordinary arrays; larger ones stay where the engine put them. */
const copiedBytes = 2 ** 20

/** The results of one run: OrtValues that the run fills in, and the tensors that they become. */
export class RunResults {
  /** OrtValues that the run writes into, or zero where it shall make one. */
  readonly values: BigUint64Array
  readonly #library: OrtLibrary
  readonly #memory: NativeMemory
  readonly #names: readonly string[]
  readonly #given: NamedTensors
  readonly #isInPlace: readonly boolean[]

  constructor(
    library: OrtLibrary,
    memory: NativeMemory,
    names: readonly string[],
    given: NamedTensors,
    borrowed: BorrowedTensors,
  ) {
    this.#library = library
    this.#memory = memory
    this.#names = names
    this.#given = given
    this.#isInPlace = names.map((name) => given[name] !== undefined && memory.owns(given[name].data))
    this.values = BigUint64Array.from(names, (name, i) =>
      this.#isInPlace[i] ? borrowed.inPlace(given[name]!) : 0n,
    )
  }

  /** The tensors after a run that succeeded. @throws EngineError `output-data` */
  take(): NamedTensors {
    return Object.fromEntries(this.#names.map((name, i) => [name, this.#takeOne(name, i)]))
  }

  /** Frees the values that nobody took. */
  release(): void {
    this.values.forEach((value, i) => {
      if (value !== 0n && !this.#isInPlace[i]) this.#library.api.ReleaseValue(value)
      this.values[i] = 0n
    })
  }

  #takeOne(name: string, i: number): HostTensor {
    const given = this.#given[name]
    if (given && this.#isInPlace[i]) return given
    const value = this.values[i]!
    this.values[i] = 0n
    const result = takeResult(this.#library, this.#memory, value)
    if (!given) return result
    this.#memory.bytesCopied += result.data.byteLength
    return copyInto(name, given, result)
  }
}

/** A result as a host tensor. The OrtValue is freed: now, or when the tensor that looks into it is collected. */
function takeResult(library: OrtLibrary, memory: NativeMemory, value: Pointer): HostTensor {
  const { ffi, api } = library
  let isKept = false
  try {
    const { dtype, shape } = typeAndShape(library, value)
    const sizeBytes = elementCount(shape) * sizeOf(dtype)
    if (sizeBytes === 0) return hostTensor(dtype, shape, viewBytes(dtype, new Uint8Array(0)))
    const out = new BigUint64Array(1)
    check(api, api.GetTensorMutableData(value, out))
    if (sizeBytes <= copiedBytes) {
      memory.bytesCopied += sizeBytes
      const bytes = new Uint8Array(ffi.view(out[0], sizeBytes)).slice()
      return hostTensor(dtype, shape, viewBytes(dtype, bytes))
    }
    isKept = true
    const bytes = memory.adopt(out[0]!, sizeBytes, () => api.ReleaseValue(value))
    return hostTensor(dtype, shape, viewBytes(dtype, bytes))
  } finally {
    if (!isKept) api.ReleaseValue(value)
  }
}

function typeAndShape(
  { api }: OrtLibrary,
  value: Pointer,
): { readonly dtype: DType; readonly shape: number[] } {
  const out = new BigUint64Array(1)
  check(api, api.GetTensorTypeAndShape(value, out))
  const info = out[0]!
  try {
    const type = new Int32Array(1)
    check(api, api.GetTensorElementType(info, type))
    const dtype = dtypes.get(type[0]!)
    if (!dtype)
      throw new EngineError('output-type', `The engine returned a tensor of ONNX element type ${type[0]}.`)
    check(api, api.GetDimensionsCount(info, out))
    const dims = new BigInt64Array(Number(out[0]))
    check(api, api.GetDimensions(info, dims, dims.length))
    return { dtype, shape: Array.from(dims, Number) }
  } finally {
    api.ReleaseTensorTypeAndShapeInfo(info)
  }
}
