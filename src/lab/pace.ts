/** How long the rest of a long work takes, told from what was done since it began. */
export class Pace {
  readonly #total: number
  readonly #began = performance.now()
  #done: number
  #worked = 0

  /** @param done of `total` units, what an earlier process did */
  constructor(total: number, done: number) {
    this.#total = total
    this.#done = done
  }

  /** Units that were done now. */
  add(units: number): void {
    this.#done += units
    this.#worked += units
  }

  /** Undefined before anything was done in this process. */
  get secondsLeft(): number | undefined {
    if (this.#worked === 0) return undefined
    const seconds = (performance.now() - this.#began) / 1000
    return ((this.#total - this.#done) * seconds) / this.#worked
  }
}
