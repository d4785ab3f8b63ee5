import { sessionDisposed } from './run-errors.ts'

/** Something of an engine's that is made when it is first needed, and made again after it was closed. */
export class Late<T extends { dispose(): Promise<void> }> {
  readonly #make: () => Promise<T>
  #made: Promise<T> | undefined
  #isDisposed = false

  constructor(make: () => Promise<T>) {
    this.#make = make
  }

  /**
   * The thing; made now if it was not. A failure is not kept.
   * @throws as what makes it; EngineError `session-disposed`
   */
  async get(): Promise<T> {
    if (this.#isDisposed) throw sessionDisposed()
    this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = undefined
      throw error
    })
    return this.#made
  }

  /** Frees the thing; when it is needed again it is made again. */
  async close(): Promise<void> {
    const made = this.#made
    this.#made = undefined
    await (await made?.catch(() => undefined))?.dispose()
  }

  dispose(): Promise<void> {
    this.#isDisposed = true
    return this.close()
  }
}
