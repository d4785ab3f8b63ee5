import { EngineError } from '../tensor/errors.ts'
import type { EngineSession, NamedTensors } from './engine.ts'

/** One graph in two forms: for few rows and for many. */
export interface SessionPair {
  readonly few: () => Promise<EngineSession>
  readonly many: () => Promise<EngineSession>
  /** Whether a run with these tensors has few rows. */
  readonly hasFewRows: (feeds: NamedTensors) => boolean
  /** Keeps both open; otherwise only the one that ran last, opened when it is needed. */
  readonly keepsBoth: boolean
}

type Form = 'few' | 'many'

/**
 * A session that is one of two by the rows of each run. Runs wait for one another, so that no session closes under a
 * run. With `keepsBoth` false the weights of one form only are in memory: a prompt is read with one, the answer is
 * decoded with the other, and changing over costs what opening costs (seconds for a 2 B model).
 */
export class SwappedSession implements EngineSession {
  readonly #pair: SessionPair
  readonly #open = new Map<Form, EngineSession>()
  #turn: Promise<unknown> = Promise.resolve()
  #isDisposed = false

  constructor(pair: SessionPair) {
    this.#pair = pair
  }

  run(...[feeds, ...rest]: Parameters<EngineSession['run']>): Promise<NamedTensors> {
    const form = this.#pair.hasFewRows(feeds) ? 'few' : 'many'
    const run = this.#turn.then(async () => (await this.#session(form)).run(feeds, ...rest))
    this.#turn = run.catch(() => {})
    return run
  }

  /** Opens a form before it is run. @throws what the pair throws */
  async open(form: Form): Promise<void> {
    await this.#session(form)
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true
    const sessions = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(sessions.map((session) => session.dispose()))
  }

  async #session(form: Form): Promise<EngineSession> {
    if (this.#isDisposed)
      throw new EngineError('session-disposed', 'This program was disposed and cannot run again.')
    const known = this.#open.get(form)
    if (known) return known
    if (!this.#pair.keepsBoth)
      for (const [other, session] of this.#open) {
        this.#open.delete(other)
        await session.dispose()
      }
    const opened = await this.#pair[form]()
    if (this.#isDisposed) {
      await opened.dispose()
      throw new EngineError('session-disposed', 'This program was disposed and cannot run again.')
    }
    this.#open.set(form, opened)
    return opened
  }
}
