let last: Promise<void> = Promise.resolve()

/**
 * Resolves in a turn of the event loop that no other caller has: timers, signals and requests run before it. Callers that
 * ask together, such as programs compiled side by side, are served one a turn.
 */
export function ownTurn(): Promise<void> {
  last = last.then(() => new Promise((resolve) => setTimeout(resolve, 0)))
  return last
}

/** Bytes that are moved before the event loop gets a turn: a few milliseconds where they meet fresh pages. */
const bytesPerTurn = 8 * 2 ** 20

/** Gives the event loop turns between the pieces of a long copy. */
export class CopyTurns {
  #bytes = 0

  async moved(bytes: number): Promise<void> {
    this.#bytes += bytes
    if (this.#bytes < bytesPerTurn) return
    this.#bytes = 0
    await ownTurn()
  }
}

/** Computing that is done before the event loop gets a turn. */
const msPerTurn = 4

/** Gives the event loop turns between the many small pieces of a long computation: `if (turns.isDue) await turns.give()`. */
export class TimeTurns {
  #started = performance.now()

  /** Asked first, as each `await` costs a turn of its own kind. */
  get isDue(): boolean {
    return performance.now() - this.#started >= msPerTurn
  }

  async give(): Promise<void> {
    await ownTurn()
    this.#started = performance.now()
  }
}
