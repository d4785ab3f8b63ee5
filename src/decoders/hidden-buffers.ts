import type { EngineMemory } from '../runtime/engine.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'

/**
 * Two tensors of the engine's memory that the stages of a decoder write in turn: what one reads the next does not
 * overwrite.
 */
export class HiddenBuffers {
  readonly #memory: EngineMemory
  readonly #buffers: readonly HostTensor<'f32'>[]
  #last = 0

  /** Room for `tokens` tokens of `width` channels in each. */
  constructor(memory: EngineMemory, tokens: number, width: number) {
    this.#memory = memory
    this.#buffers = [0, 1].map(() => memory.allocate('f32', [1, tokens, width]))
  }

  /** The buffer that was not given last, for `tokens` tokens: [1, tokens, width]. */
  next(tokens: number): HostTensor<'f32'> {
    this.#last = 1 - this.#last
    const { shape, data } = this.#buffers[this.#last]!
    const width = shape[2]!
    return hostTensor('f32', [1, tokens, width], data.subarray(0, tokens * width))
  }

  /** Gives the memory back; nobody may use the buffers afterwards. */
  free(): void {
    for (const buffer of this.#buffers) this.#memory.free(buffer)
  }
}
