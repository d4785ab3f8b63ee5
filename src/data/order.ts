import { seededRandom } from '../generate/random.ts'

/** One part of a mixture. */
export interface MixedSource {
  readonly length: number
  /** How often it is drawn, against the others; its length by default, so that all are used up together. */
  readonly weight?: number | undefined
}

/** Which record of which source. */
export interface Draw {
  readonly source: number
  readonly index: number
}

/**
 * The order in which records are drawn, the same for a seed on every machine: each source is gone through in a new
 * shuffled order every time round, and sources are drawn in proportion to their weights. Restarting at a draw needs
 * nothing but its number.
 */
export function* drawOrder(sources: readonly MixedSource[], seed: number): Generator<Draw, never> {
  const weights = sources.map(({ length, weight }) => weight ?? length)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const drawn = sources.map(() => 0)
  const orders = sources.map(({ length }, source) => new ShuffledOrder(length, seed, source))
  for (let draws = 1; ; draws++) {
    // The source that lags most behind its share comes next.
    let source = 0
    let most = Number.NEGATIVE_INFINITY
    for (const [i, weight] of weights.entries()) {
      const lag = (draws * weight) / total - drawn[i]!
      if (lag > most) [source, most] = [i, lag]
    }
    yield { source, index: orders[source]!.at(drawn[source]!++) }
  }
}

/** A permutation for every time round. */
class ShuffledOrder {
  readonly #length: number
  readonly #seed: number
  readonly #source: number
  #round = -1
  #order = new Uint32Array(0)

  constructor(length: number, seed: number, source: number) {
    this.#length = length
    this.#seed = seed
    this.#source = source
  }

  at(draw: number): number {
    const round = Math.floor(draw / this.#length)
    if (round !== this.#round) {
      this.#order = permutation(this.#length, seededRandom(this.#seed, this.#source * 2 ** 16 + round))
      this.#round = round
    }
    return this.#order[draw % this.#length]!
  }
}

/** The numbers below `length` in an order by chance. */
export function permutation(length: number, random: () => number): Uint32Array<ArrayBuffer> {
  const order = Uint32Array.from({ length }, (_, i) => i)
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const held = order[i]!
    order[i] = order[j]!
    order[j] = held
  }
  return order
}
