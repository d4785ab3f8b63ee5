import type koffi from 'koffi'
import { type DType, sizeOf, viewBytes } from '../../tensor/dtype.ts'
import { elementCount, type HostTensor, hostTensor } from '../../tensor/tensor.ts'
import type { EngineMemory } from '../engine.ts'
import type { Pointer } from './api.ts'
import type { OrtLibrary } from './library.ts'
import { releasePages } from './pages.ts'
import { keepAttached } from './pinning.ts'

/** A piece of memory outside the JavaScript heap that typed arrays look into. */
interface Block {
  readonly address: Pointer
  readonly sizeBytes: number
  /** Gives the memory back; called once, when no typed array can reach it any more. */
  readonly release: () => void
  /** Runs under way that use it. */
  uses: number
  isFree: boolean
}

/** Cache lines: the engine's kernels load whole ones. */
const alignment = 64n

/**
 * Memory that runs of the native binding use in place. A block lives as long as the ArrayBuffer that looks into it,
 * which cannot be detached, so nothing that a program does with its tensors can reach freed memory. `free` empties a
 * block: its pages go back to the system at once, its addresses when the tensor is collected.
 */
export class NativeMemory implements EngineMemory {
  bytesCopied = 0
  readonly #ffi: typeof koffi
  readonly #blocks = new WeakMap<ArrayBufferLike, Block>()
  readonly #collected = new FinalizationRegistry<Block>((block) => block.release())

  constructor({ ffi }: OrtLibrary) {
    this.#ffi = ffi
  }

  allocate<D extends DType>(dtype: D, shape: readonly number[]): HostTensor<D> {
    const sizeBytes = elementCount(shape) * sizeOf(dtype)
    const ffi = this.#ffi
    const start = ffi.alloc('uint8_t', sizeBytes + Number(alignment)) as Pointer
    const address = ((start + alignment - 1n) / alignment) * alignment
    const bytes = this.adopt(address, sizeBytes, () => ffi.free(start))
    return hostTensor(dtype, shape, viewBytes(dtype, bytes))
  }

  free(tensor: HostTensor): void {
    const block = this.#blocks.get(tensor.data.buffer)
    if (!block || block.isFree) return
    block.isFree = true
    if (block.uses === 0) releasePages(this.#ffi, block.address, block.sizeBytes)
  }

  /** A view of memory that others allocated; `release` is called when it has been collected. */
  adopt(address: Pointer, sizeBytes: number, release: () => void): Uint8Array {
    if (sizeBytes === 0) {
      release()
      return new Uint8Array(0)
    }
    const buffer = this.#ffi.view(address, sizeBytes)
    keepAttached(buffer)
    const block = { address, sizeBytes, release, uses: 0, isFree: false }
    this.#blocks.set(buffer, block)
    this.#collected.register(buffer, block)
    return new Uint8Array(buffer)
  }

  /** Whether the data lie in this memory. */
  owns(data: HostTensor['data']): boolean {
    return this.#blocks.has(data.buffer)
  }

  /** Whether the data lie in this memory and were freed. */
  wasFreed(data: HostTensor['data']): boolean {
    return this.#blocks.get(data.buffer)?.isFree ?? false
  }

  /** The address of data in this memory; they stay valid until `unuse`. */
  use(data: HostTensor['data']): Pointer {
    const block = this.#blocks.get(data.buffer)!
    block.uses++
    return block.address + BigInt(data.byteOffset)
  }

  unuse(data: HostTensor['data']): void {
    const block = this.#blocks.get(data.buffer)!
    block.uses--
    if (block.uses === 0 && block.isFree) releasePages(this.#ffi, block.address, block.sizeBytes)
  }
}
