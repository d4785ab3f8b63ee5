import { elementType } from '../../graph/onnx/proto.ts'
import type { HostTensor } from '../../tensor/tensor.ts'
import type { Pointer } from './api.ts'
import type { OrtLibrary } from './library.ts'
import type { NativeMemory } from './memory.ts'
import { pin } from './pinning.ts'
import { check } from './status.ts'

/** Ordinary arrays up to this size are copied for a run; larger ones are pinned and used where they lie. */
const copiedBytes = 2 ** 20

/** ONNX Runtime's view of tensors for one run, and what keeps their memory valid until it ends. */
export class BorrowedTensors {
  readonly #library: OrtLibrary
  readonly #memory: NativeMemory
  readonly #held: HostTensor['data'][] = []
  readonly #used: HostTensor['data'][] = []
  readonly #values: Pointer[] = []

  constructor(library: OrtLibrary, memory: NativeMemory) {
    this.#library = library
    this.#memory = memory
  }

  /** An OrtValue over a tensor that the engine may read. */
  feed(tensor: HostTensor): Pointer {
    const { data } = tensor
    if (this.#memory.owns(data)) return this.inPlace(tensor)
    const { buffer, byteLength } = data
    if (byteLength > copiedBytes && pin(buffer)) {
      this.#held.push(data)
      return this.#value(tensor, BigInt(this.#library.ffi.address(data)))
    }
    const copy = this.#memory.allocate(tensor.dtype, tensor.shape)
    copy.data.set(data as never)
    this.#memory.bytesCopied += byteLength
    return this.inPlace(copy)
  }

  /** An OrtValue over a tensor of the engine's memory, which the engine may write to. */
  inPlace(tensor: HostTensor): Pointer {
    if (tensor.data.byteLength === 0) return this.#value(tensor, nowhere)
    const address = this.#memory.use(tensor.data)
    this.#used.push(tensor.data)
    return this.#value(tensor, address)
  }

  /** Frees the OrtValues; the tensors' memory may be freed again. */
  release(): void {
    for (const value of this.#values) this.#library.api.ReleaseValue(value)
    for (const data of this.#used) this.#memory.unuse(data)
    this.#values.length = 0
    this.#used.length = 0
    this.#held.length = 0
  }

  #value({ dtype, shape, data }: HostTensor, address: Pointer): Pointer {
    const { api, cpuMemory } = this.#library
    const dims = BigInt64Array.from(shape, BigInt)
    const out = new BigUint64Array(1)
    check(
      api,
      api.CreateTensorWithDataAsOrtValue(
        cpuMemory,
        address,
        data.byteLength,
        dims,
        dims.length,
        elementType[dtype],
        out,
      ),
    )
    this.#values.push(out[0]!)
    return out[0]!
  }
}

/** The address of tensors without elements, which nobody reads. */
const nowhere = 64n
