import { type Random, seededRandom } from '../../generate/random.ts'

/** Repeatable choices. Every name gives a stream of its own, so that one choice more here changes nothing there. */
export class Dice {
  readonly random: Random
  readonly #seed: number
  readonly #name: string

  constructor(seed: number, name: string) {
    this.#seed = seed
    this.#name = name
    this.random = seededRandom(seed, hash(name))
  }

  /** A stream of its own for one purpose. */
  fork(name: string): Dice {
    return new Dice(this.#seed, `${this.#name}/${name}`)
  }

  /** From `min` to before `max`. */
  float(min: number, max: number): number {
    return min + (max - min) * this.random()
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1))
  }

  chance(probability: number): boolean {
    return this.random() < probability
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.random() * choices.length)]!
  }

  /** One of the keys, as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][]
    let left = this.random() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [key, weight] of entries) {
      left -= weight
      if (left < 0) return key
    }
    return entries.at(-1)![0]
  }

  /** About normal (the sum of four evenly spread numbers), never more than 3.5 deviations off. */
  normal(mean: number, deviation: number): number {
    const sum = this.random() + this.random() + this.random() + this.random()
    return mean + (sum - 2) * Math.sqrt(3) * deviation
  }

  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.int(0, i)
      const held = shuffled[i]!
      shuffled[i] = shuffled[j]!
      shuffled[j] = held
    }
    return shuffled
  }

  /** `count` different ones, fewer where there are not as many. */
  sample<T>(items: readonly T[], count: number): T[] {
    return this.shuffle(items).slice(0, count)
  }

  /** `count` different results of `make`; gives up on variety after many tries. */
  distinct(count: number, make: () => string): string[] {
    const found = new Set<string>()
    for (let tries = 0; found.size < count && tries < count * 40; tries++) found.add(make())
    return [...found]
  }

  /** Each `#` of the pattern becomes a digit, each `?` a capital that no digit resembles. */
  code(pattern: string): string {
    return pattern.replace(/[#?]/g, (sign) =>
      sign === '#' ? String(this.int(0, 9)) : this.pick([...'ABCDEFGHJKLMNPRTUVWXYZ']),
    )
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value | 0
}
