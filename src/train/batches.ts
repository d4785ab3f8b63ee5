import { type Draw, drawOrder } from '../data/order.ts'
import type { Stage } from './recipe.ts'
import { openSource, type SampleSource } from './sample-source.ts'

/** The order of a stage's samples, cut into micro-batches: the same for a seed, from any step on. */
export class BatchOrder {
  readonly sources: readonly SampleSource[]
  readonly #order: Generator<Draw, never>
  readonly #batchSize: number

  private constructor(sources: readonly SampleSource[], order: Generator<Draw, never>, batchSize: number) {
    this.sources = sources
    this.#order = order
    this.#batchSize = batchSize
  }

  /**
   * @param firstBatch micro-batches that were drawn before
   * @throws InputError `dataset-missing`, `dataset-empty`, `dataset-invalid`
   */
  static async open(stage: Stage, seed: number, firstBatch: number): Promise<BatchOrder> {
    const sources = await Promise.all(stage.data.map(openSource))
    const mixed = sources.map(({ length }, i) => ({ length, weight: stage.data[i]!.weight }))
    const order = new BatchOrder(sources, drawOrder(mixed, seed), stage.batchSize)
    for (let batch = 0; batch < firstBatch; batch++) order.next()
    return order
  }

  /** Records in all sources together. */
  get length(): number {
    return this.sources.reduce((sum, { length }) => sum + length, 0)
  }

  next(): Draw[] {
    return Array.from({ length: this.#batchSize }, () => this.#order.next().value)
  }

  async close(): Promise<void> {
    for (const source of this.sources) await source.close()
  }
}

/** Updates that a stage takes. */
export function stepsOf(stage: Stage, records: number): number {
  if (stage.steps !== undefined) return stage.steps
  return Math.max(1, Math.round((stage.epochs! * records) / (stage.batchSize * stage.microBatches)))
}
