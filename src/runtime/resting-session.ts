import type { EngineSession, NamedTensors } from './engine.ts'
import { sessionDisposed } from './run-errors.ts'

/** A session that closes when nobody needs it for a while; the next run opens it again. */
export class RestingSession implements EngineSession {
  readonly #open: () => Promise<EngineSession>
  #session: Promise<EngineSession> | undefined
  #runs = 0
  #isDisposed = false

  constructor(open: () => Promise<EngineSession>) {
    this.#open = open
  }

  /** Opens the session now if it rests; a failure is not kept. @throws as `Engine.open` */
  async wake(): Promise<EngineSession> {
    if (this.#isDisposed) throw sessionDisposed()
    this.#session ??= this.#open().catch((error: unknown) => {
      this.#session = undefined
      throw error
    })
    return this.#session
  }

  async run(...given: Parameters<EngineSession['run']>): Promise<NamedTensors> {
    this.#runs++
    try {
      return await (await this.wake()).run(...given)
    } finally {
      this.#runs--
    }
  }

  /** Closes the session and frees its weights, unless a run is under way. */
  async rest(): Promise<void> {
    if (this.#runs === 0) await this.#close()
  }

  dispose(): Promise<void> {
    this.#isDisposed = true
    return this.#close()
  }

  async #close(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await (await session?.catch(() => undefined))?.dispose()
  }
}
