import type { EngineMemory } from '../runtime/engine.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import type { RotaryTables } from './rope.ts'

/**
 * The rotary tables of a sequence by cache cell, [capacity, D/2] each, in the engine's memory. Only those of the cells
 * that a run fills are read, so each is written once.
 */
export class CellTables {
  readonly #memory: EngineMemory
  readonly #half: number
  #capacity = 0
  #cos: HostTensor<'f32'>
  #sin: HostTensor<'f32'>

  constructor(memory: EngineMemory, half: number) {
    this.#memory = memory
    this.#half = half
    this.#cos = hostTensor('f32', [0, half], new Float32Array(0))
    this.#sin = this.#cos
  }

  /** Writes one row's tables [1, T, D/2] into the cells from `first` on → all cells. */
  fill(first: number, tables: RotaryTables, capacity: number): RotaryTables {
    if (capacity !== this.#capacity) this.#allocate(capacity)
    this.#cos.data.set(tables.cos.data, first * this.#half)
    this.#sin.data.set(tables.sin.data, first * this.#half)
    return { cos: this.#cos, sin: this.#sin }
  }

  #allocate(capacity: number): void {
    for (const table of [this.#cos, this.#sin]) this.#memory.free(table)
    this.#cos = this.#memory.allocate('f32', [capacity, this.#half])
    this.#sin = this.#memory.allocate('f32', [capacity, this.#half])
    this.#capacity = capacity
  }
}
