import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { InputError } from '../tensor/errors.ts'
import type { PreparedBatch, PrepareReply, PreparerSetup } from './prepare-worker.ts'

/** Makes batches in a thread, some ahead of the engine, so that the engine does not wait for pictures. */
export class Preparer {
  readonly #worker: Worker
  /** In the order of the batches, which is that of the replies. */
  readonly #waiting: { give(batch: PreparedBatch): void; fail(error: Error): void }[] = []
  readonly #ahead: Promise<PreparedBatch>[] = []
  readonly #depth: number
  #left: number

  /**
   * @param batches that are left of the stage
   * @param depth batches that are made ahead
   */
  constructor(setup: PreparerSetup, batches: number, depth = 3) {
    this.#left = batches
    this.#depth = depth
    // The sources run as they are; a package holds them compiled.
    this.#worker = new Worker(new URL(`./prepare-worker${extname(import.meta.url)}`, import.meta.url), {
      workerData: setup,
    })
    this.#worker.on('message', (reply: PrepareReply) => {
      const { give, fail } = this.#waiting.shift()!
      if ('feeds' in reply) give(reply)
      else fail(new InputError(reply.code, reply.message))
    })
    this.#worker.on('error', (error) => {
      for (const { fail } of this.#waiting) fail(error as Error)
    })
  }

  /** The next batch, and the seconds that the caller waited for it. @throws InputError for a sample that is broken */
  async next(): Promise<PreparedBatch & { waitedSeconds: number }> {
    for (; this.#left > 0 && this.#ahead.length <= this.#depth; this.#left--) this.#ahead.push(this.#ask())
    const asked = performance.now()
    const batch = await this.#ahead.shift()!
    return { ...batch, waitedSeconds: (performance.now() - asked) / 1000 }
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #ask(): Promise<PreparedBatch> {
    const made = new Promise<PreparedBatch>((give, fail) => this.#waiting.push({ give, fail }))
    made.catch(() => {}) // told when the batch's turn comes
    this.#worker.postMessage('next')
    return made
  }
}
