import type { Program } from './program.ts'
import { sessionDisposed } from './run-errors.ts'

/** A program that is compiled when it is first needed. */
export class LateProgram {
  readonly #compile: () => Promise<Program>
  #program: Promise<Program> | undefined
  #isDisposed = false

  constructor(compile: () => Promise<Program>) {
    this.#compile = compile
  }

  /**
   * The program; compiled now if it was not. A failure is not kept.
   * @throws as `Program.compile`; EngineError `session-disposed`
   */
  async get(): Promise<Program> {
    if (this.#isDisposed) throw sessionDisposed()
    this.#program ??= this.#compile().catch((error: unknown) => {
      this.#program = undefined
      throw error
    })
    return this.#program
  }

  /** Frees the program; when it is needed again it is compiled again. */
  async close(): Promise<void> {
    const program = this.#program
    this.#program = undefined
    await (await program?.catch(() => undefined))?.dispose()
  }

  dispose(): Promise<void> {
    this.#isDisposed = true
    return this.close()
  }
}
