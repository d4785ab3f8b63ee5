import { ContentCache } from '../runtime/content-cache.ts'
import type { TensorStore } from '../runtime/tensor-store.ts'
import type { HostTensor } from '../tensor/tensor.ts'

export interface VisualTokenCacheOptions {
  /** The most that is kept in memory; 256 MiB by default, 0 keeps nothing. */
  readonly maxBytes?: number | undefined
  /** Asked where memory has nothing, and given what was computed. */
  readonly store?: TensorStore | undefined
}

/** The visual tokens of tiles by what the tiles show, so that no tile is encoded twice. */
export class VisualTokenCache {
  readonly #kept: ContentCache<HostTensor<'f32'>>
  readonly #store: TensorStore | undefined

  constructor({ maxBytes = 2 ** 28, store }: VisualTokenCacheOptions = {}) {
    this.#kept = new ContentCache(maxBytes, (tokens) => tokens.data.byteLength)
    this.#store = store
  }

  /** The tokens of a tile, from memory, else from the store, else encoded now. */
  get(key: string, encode: () => Promise<HostTensor<'f32'>>): Promise<HostTensor<'f32'>> {
    return this.#kept.get(key, async () => {
      const stored = await this.#store?.load(key)
      if (stored) return stored
      const tokens = await encode()
      await this.#store?.save(key, tokens)
      return tokens
    })
  }
}
