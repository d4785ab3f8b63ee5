import { AbortError } from '../tensor/errors.ts'

/**
 * Results that were dear to compute, by the content that they were computed from. Those used longest ago leave when
 * the limit is passed; work under way is shared by all who ask for it, and a failure is not kept.
 */
export class ContentCache<V> {
  readonly #maxBytes: number
  readonly #sizeBytesOf: (value: V) => number
  /** The one used longest ago comes first. */
  readonly #kept = new Map<string, { readonly value: V; readonly sizeBytes: number }>()
  readonly #underWay = new Map<string, Promise<V>>()
  #sizeBytes = 0

  /** @param sizeBytesOf what a result takes; one larger than `maxBytes` is given and not kept */
  constructor(maxBytes: number, sizeBytesOf: (value: V) => number) {
    this.#maxBytes = maxBytes
    this.#sizeBytesOf = sizeBytesOf
  }

  /** What the kept results take together. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** How many results are kept. */
  get size(): number {
    return this.#kept.size
  }

  /** The result for a key, computed where none is kept. @throws what `compute` throws */
  get(key: string, compute: () => Promise<V>): Promise<V> {
    const kept = this.#kept.get(key)
    if (kept) {
      this.#kept.delete(key)
      this.#kept.set(key, kept)
      return Promise.resolve(kept.value)
    }
    const shared = this.#underWay.get(key)
    // What its first asker stopped is begun again for the others.
    if (shared)
      return shared.catch((error: unknown) => {
        if (error instanceof AbortError) return this.get(key, compute)
        throw error
      })
    const made = compute()
      .then((value) => {
        this.#keep(key, value)
        return value
      })
      .finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, made)
    return made
  }

  /** Forgets everything that is kept. */
  clear(): void {
    this.#kept.clear()
    this.#sizeBytes = 0
  }

  #keep(key: string, value: V): void {
    const sizeBytes = this.#sizeBytesOf(value)
    if (sizeBytes > this.#maxBytes) return
    this.#kept.set(key, { value, sizeBytes })
    this.#sizeBytes += sizeBytes
    for (const [oldest, { sizeBytes: freed }] of this.#kept) {
      if (this.#sizeBytes <= this.#maxBytes) break
      this.#kept.delete(oldest)
      this.#sizeBytes -= freed
    }
  }
}
