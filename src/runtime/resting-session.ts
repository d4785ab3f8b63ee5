import type { EngineSession, NamedTensors } from './engine.ts'
import { Late } from './late.ts'

/** A session that closes when nobody needs it for a while; the next run opens it again. */
export class RestingSession implements EngineSession {
  readonly #session: Late<EngineSession>
  #runs = 0

  constructor(open: () => Promise<EngineSession>) {
    this.#session = new Late(open)
  }

  /** Opens the session now if it rests. @throws as `Engine.open` */
  async wake(): Promise<void> {
    await this.#session.get()
  }

  async run(...given: Parameters<EngineSession['run']>): Promise<NamedTensors> {
    this.#runs++
    try {
      return await (await this.#session.get()).run(...given)
    } finally {
      this.#runs--
    }
  }

  /** Closes the session and frees its weights, unless a run is under way. */
  async rest(): Promise<void> {
    if (this.#runs === 0) await this.#session.close()
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }
}
