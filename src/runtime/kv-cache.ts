import { type HostTensor, hostTensor } from '../tensor/tensor.ts'

export interface KvCacheShape {
  readonly layers: number
  readonly kvHeads: number
  readonly headSize: number
}

/** Capacity grows in such steps: fewer copies when it grows, little wasted attention in between. */
const stepTokens = 128

/**
 * Keys and values of the tokens seen so far, in host memory, head by head: [B, kv heads, capacity, D] a layer.
 * Programs read them as plain inputs and give back only the rows of the new tokens, which are appended here; the
 * cache itself is never an output (engine facts, section 3, way A). Cells beyond `length` hold rubbish that the
 * attention mask hides.
 */
export class KvCache {
  readonly shape: KvCacheShape
  #batch: number
  #capacity = 0
  #length = 0
  readonly #pending = new Map<number, { key: Float32Array; value: Float32Array }>()
  readonly #keys: Float32Array[]
  readonly #values: Float32Array[]

  constructor(shape: KvCacheShape, batch: number) {
    this.shape = shape
    this.#batch = batch
    this.#keys = Array.from({ length: shape.layers }, () => new Float32Array(0))
    this.#values = Array.from({ length: shape.layers }, () => new Float32Array(0))
  }

  get batch(): number {
    return this.#batch
  }

  /** Tokens held by every row. */
  get length(): number {
    return this.#length
  }

  /** Cells a row and head, of which the first `length` are filled. */
  get capacity(): number {
    return this.#capacity
  }

  /** The bytes that the buffers take. */
  get sizeBytes(): number {
    return [...this.#keys, ...this.#values].reduce((sum, buffer) => sum + buffer.byteLength, 0)
  }

  key(layer: number): HostTensor<'f32'> {
    return this.#tensor(this.#keys[layer]!)
  }

  value(layer: number): HostTensor<'f32'> {
    return this.#tensor(this.#values[layer]!)
  }

  /** Makes room for exactly the cells of `tokens` tokens, rounded up to a step. */
  reserve(tokens: number): void {
    const capacity = Math.ceil(tokens / stepTokens) * stepTokens
    if (capacity > this.#capacity) this.#relayout(this.#batch, capacity, (row) => row)
  }

  /** Takes one layer's rows of new tokens, [B, kv heads, T, D]; `append` then puts those of all layers in place. */
  write(layer: number, key: HostTensor, value: HostTensor): void {
    this.#pending.set(layer, { key: key.data as Float32Array, value: value.data as Float32Array })
  }

  /** Puts the written rows of `tokens` new tokens behind those held. */
  append(tokens: number): void {
    this.reserve(this.#length + tokens)
    for (const [layer, rows] of this.#pending) {
      this.#place(this.#keys[layer]!, rows.key, tokens)
      this.#place(this.#values[layer]!, rows.value, tokens)
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
    if (rows.length === this.#batch && rows.every((row, i) => row === i)) return
    this.#relayout(rows.length, this.#capacity, (row) => rows[row]!)
  }

  #place(buffer: Float32Array, rows: Float32Array, tokens: number): void {
    const { kvHeads, headSize } = this.shape
    const size = tokens * headSize
    for (let head = 0; head < this.#batch * kvHeads; head++)
      buffer.set(
        rows.subarray(head * size, (head + 1) * size),
        (head * this.#capacity + this.#length) * headSize,
      )
  }

  #tensor(buffer: Float32Array): HostTensor<'f32'> {
    return hostTensor(
      'f32',
      [this.#batch, this.shape.kvHeads, this.#capacity, this.shape.headSize],
      buffer as Float32Array<ArrayBuffer>,
    )
  }

  #relayout(batch: number, capacity: number, sourceRow: (row: number) => number): void {
    const { kvHeads, headSize, layers } = this.shape
    const held = this.#length * headSize
    for (const buffers of [this.#keys, this.#values])
      for (let layer = 0; layer < layers; layer++) {
        const next = new Float32Array(batch * kvHeads * capacity * headSize)
        for (let row = 0; row < batch; row++)
          for (let head = 0; head < kvHeads; head++) {
            const from = (sourceRow(row) * kvHeads + head) * this.#capacity * headSize
            next.set(
              buffers[layer]!.subarray(from, from + held),
              (row * kvHeads + head) * capacity * headSize,
            )
          }
        buffers[layer] = next
      }
    this.#batch = batch
    this.#capacity = capacity
  }
}
