import { sizeOf } from '../tensor/dtype.ts'
import { elementCount, type HostTensor, zeros } from '../tensor/tensor.ts'
import { CopyTurns } from '../tensor/turns.ts'
import type { EngineMemory } from './engine.ts'

export interface KvCacheShape {
  readonly layers: number
  readonly kvHeads: number
  readonly headSize: number
}

/** One layer's keys or values, [B, kv heads, capacity, D]: f32, or i8 with what a step of each channel stands for. */
export interface Cells {
  readonly tensor: HostTensor
  /** [kv heads · D] */
  readonly scale?: HostTensor
}

export interface KvCacheOptions {
  /** Where the buffers lie; ordinary arrays by default. */
  readonly memory?: EngineMemory | undefined
  /** Cells that are there from the start. */
  readonly cells?: number | undefined
}

/** Where programs read every cell, capacity grows in small steps: little wasted attention. */
const stepTokens = 128
/** Where they read filled cells only, empty ones cost nothing but addresses: few copies when it grows. */
const inPlaceStepTokens = 1024

/** How many bytes are allocated in the time that one is moved. */
const allocationShare = 8

/**
 * Keys and values of the tokens seen so far, head by head: [B, kv heads, capacity, D] a layer. Programs that write
 * into the cache themselves (`advance`) get its tensors as feeds and as results. Others read them as plain inputs and
 * give back only the rows of the new tokens, which are appended here (`write`, `append`): the cache itself is never
 * copied for a token (engine facts, section 3). Cells beyond `length` hold rubbish that attention does not see.
 */
export class KvCache {
  readonly shape: KvCacheShape
  /** Bytes of keys and values that were moved by this object: rows appended, buffers that grew, rows selected. */
  bytesCopied = 0
  readonly #memory: EngineMemory | undefined
  #batch: number
  #capacity = 0
  #length = 0
  /** Per future row the present one that it is a copy of. */
  #selected: readonly number[] | undefined
  readonly #pending = new Map<number, { key: HostTensor; value: HostTensor }>()
  readonly #keys: Cells[]
  readonly #values: Cells[]
  #type: 'f32' | 'i8' = 'f32'

  constructor(shape: KvCacheShape, batch: number, { memory, cells = 0 }: KvCacheOptions = {}) {
    this.shape = shape
    this.#memory = memory
    this.#batch = batch
    this.#capacity = Math.ceil(cells / stepTokens) * stepTokens
    this.#keys = Array.from({ length: shape.layers }, () => this.#buffer(batch, this.#capacity))
    this.#values = Array.from({ length: shape.layers }, () => this.#buffer(batch, this.#capacity))
  }

  get batch(): number {
    return this.#selected?.length ?? this.#batch
  }

  /** Tokens held by every row. */
  get length(): number {
    return this.#length
  }

  /** Cells a row and head, of which the first `length` are filled. */
  get capacity(): number {
    return this.#capacity
  }

  /** The bytes that the buffers take; of the engine's memory those that were ever filled are really taken. */
  get sizeBytes(): number {
    return [...this.#keys, ...this.#values].reduce((sum, { tensor }) => sum + tensor.data.byteLength, 0)
  }

  /** Whether the cells hold 8 bits. */
  get isNarrow(): boolean {
    return this.#type === 'i8'
  }

  key(layer: number): Cells {
    return this.#keys[layer]!
  }

  value(layer: number): Cells {
    return this.#values[layer]!
  }

  /** Replaces every layer's cells by what `convert` writes into a buffer of another type. */
  async convert(
    type: 'f32' | 'i8',
    convert: (kind: 'key' | 'value', from: Cells, into: HostTensor) => Promise<Cells>,
  ): Promise<void> {
    await this.settle()
    this.#type = type
    for (const [kind, cells] of [
      ['key', this.#keys],
      ['value', this.#values],
    ] as const)
      for (const [layer, from] of cells.entries()) {
        cells[layer] = await convert(kind, from, this.#buffer(this.#batch, this.#capacity).tensor)
        this.#memory?.free(from.tensor)
      }
  }

  /** Puts the rows in place that were selected. To be awaited before the tensors are used. */
  async settle(): Promise<void> {
    if (this.#selected) await this.#relayout(this.#capacity)
  }

  /** Makes room for `tokens` tokens in all, ahead of a program that writes into the cells. */
  async reserve(tokens: number): Promise<void> {
    if (tokens <= this.#capacity) return this.settle()
    const wanted = Math.max(tokens, 1.5 * this.#capacity)
    await this.#relayout(Math.ceil(wanted / inPlaceStepTokens) * inPlaceStepTokens)
  }

  /** Counts `tokens` new tokens whose cells a program has filled. */
  advance(tokens: number): void {
    this.#length += tokens
  }

  /** Takes one layer's rows of new tokens, [B, kv heads, T, D]; `append` then puts those of all layers in place. */
  write(layer: number, key: HostTensor, value: HostTensor): void {
    this.#pending.set(layer, { key, value })
  }

  /** Puts the written rows of `tokens` new tokens behind those held. */
  async append(tokens: number): Promise<void> {
    const needed = Math.ceil((this.#length + tokens) / stepTokens) * stepTokens
    if (needed > this.#capacity) await this.#relayout(needed)
    const turns = new CopyTurns()
    for (const [layer, { key, value }] of this.#pending) {
      this.#place(this.#keys[layer]!.tensor, key, tokens)
      this.#place(this.#values[layer]!.tensor, value, tokens)
      this.bytesCopied += 2 * key.data.byteLength
      await turns.moved(2 * key.data.byteLength)
    }
    this.#pending.clear()
    this.#length += tokens
  }

  /** Forgets all but the first `length` tokens. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length)
  }

  /** Makes row i a copy of the present row `rows[i]`: beams that survive, samples that fork. */
  selectRows(rows: readonly number[]): void {
    const before = this.#selected
    const selected = before ? rows.map((row) => before[row]!) : [...rows]
    const isSame = selected.length === this.#batch && selected.every((row, i) => row === i)
    this.#selected = isSame ? undefined : selected
  }

  /** Gives the buffers back now, not when they are collected. The cache holds nothing afterwards. */
  dispose(): void {
    this.#length = 0
    this.#capacity = 0
    this.#selected = undefined
    this.#pending.clear()
    for (const cells of [this.#keys, this.#values])
      cells.forEach(({ tensor }, layer) => {
        this.#memory?.free(tensor)
        cells[layer] = this.#buffer(this.#batch, 0)
      })
  }

  #buffer(batch: number, capacity: number): Cells {
    const shape = [batch, this.shape.kvHeads, capacity, this.shape.headSize]
    const isEmpty = elementCount(shape) === 0
    const memory = isEmpty ? undefined : this.#memory
    return { tensor: memory ? memory.allocate(this.#type, shape) : zeros(this.#type, shape) }
  }

  #place(buffer: HostTensor, rows: HostTensor, tokens: number): void {
    const { kvHeads, headSize } = this.shape
    const size = tokens * headSize
    const [from, to] = [rows.data as Float32Array, buffer.data as Float32Array]
    for (let head = 0; head < this.#batch * kvHeads; head++)
      to.set(from.subarray(head * size, (head + 1) * size), (head * this.#capacity + this.#length) * headSize)
  }

  async #relayout(capacity: number): Promise<void> {
    const { kvHeads, headSize } = this.shape
    const sources = this.#selected ?? Array.from({ length: this.#batch }, (_, row) => row)
    const size = headSize * sizeOf(this.#type)
    const held = this.#length * size
    const turns = new CopyTurns()
    for (const cells of [this.#keys, this.#values])
      for (const [layer, old] of cells.entries()) {
        const next = { ...old, ...this.#buffer(sources.length, capacity) }
        const [from, to] = [bytesOf(old.tensor), bytesOf(next.tensor)]
        for (const [row, source] of sources.entries())
          for (let head = 0; head < kvHeads; head++) {
            const start = (source * kvHeads + head) * this.#capacity * size
            to.set(from.subarray(start, start + held), (row * kvHeads + head) * capacity * size)
            this.bytesCopied += held
            await turns.moved(held)
          }
        this.#memory?.free(old.tensor)
        cells[layer] = next
        // A new buffer makes the collector mark for some milliseconds, whether bytes are moved or not.
        await turns.moved(to.byteLength / allocationShare)
      }
    this.#batch = sources.length
    this.#capacity = capacity
    this.#selected = undefined
  }
}

function bytesOf({ data }: HostTensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
