import type { Program } from './program.ts'

/** A program that is compiled when it is first needed. */
export class LateProgram {
  readonly #compile: () => Promise<Program>
  #program: Promise<Program> | undefined

  constructor(compile: () => Promise<Program>) {
    this.#compile = compile
  }

  /** The program; compiled now if it was not. A failure is not kept. @throws as `Program.compile` */
  get(): Promise<Program> {
    this.#program ??= this.#compile().catch((error: unknown) => {
      this.#program = undefined
      throw error
    })
    return this.#program
  }

  async dispose(): Promise<void> {
    const program = await this.#program?.catch(() => undefined)
    await program?.dispose()
  }
}
