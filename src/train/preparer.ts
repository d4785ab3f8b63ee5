import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Draw } from '../data/order.ts'
import { InputError } from '../tensor/errors.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import type { PrepareReply, PrepareRequest, PreparerSetup } from './prepare-worker.ts'

type Feeds = Record<string, HostTensor>

/** Makes batches in a thread, some ahead of the engine, so that the engine does not wait for pictures. */
export class Preparer {
  readonly #worker: Worker
  readonly #waiting = new Map<number, { give(feeds: Feeds): void; fail(error: Error): void }>()
  readonly #ahead: Promise<Feeds>[] = []
  readonly #nextDraws: () => readonly Draw[]
  readonly #depth: number
  #sent = 0

  /** @param depth batches that are made ahead */
  constructor(setup: PreparerSetup, nextDraws: () => readonly Draw[], depth = 3) {
    this.#nextDraws = nextDraws
    this.#depth = depth
    // The sources run as they are; a package holds them compiled.
    this.#worker = new Worker(new URL(`./prepare-worker${extname(import.meta.url)}`, import.meta.url), {
      workerData: setup,
    })
    this.#worker.on('message', (reply: PrepareReply) => {
      const waiting = this.#waiting.get(reply.id)!
      this.#waiting.delete(reply.id)
      if ('feeds' in reply) waiting.give(reply.feeds)
      else waiting.fail(new InputError(reply.code, reply.message))
    })
    this.#worker.on('error', (error) => {
      for (const { fail } of this.#waiting.values()) fail(error as Error)
    })
  }

  /** The next batch, and the seconds that the caller waited for it. @throws InputError for a sample that is broken */
  async next(): Promise<{ feeds: Feeds; waitedSeconds: number }> {
    while (this.#ahead.length <= this.#depth) this.#ahead.push(this.#ask())
    const asked = performance.now()
    const feeds = await this.#ahead.shift()!
    return { feeds, waitedSeconds: (performance.now() - asked) / 1000 }
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #ask(): Promise<Feeds> {
    const id = this.#sent++
    const made = new Promise<Feeds>((give, fail) => this.#waiting.set(id, { give, fail }))
    made.catch(() => {}) // told when the batch's turn comes
    this.#worker.postMessage({ id, draws: this.#nextDraws() } satisfies PrepareRequest)
    return made
  }
}
