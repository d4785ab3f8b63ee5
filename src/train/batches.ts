import { type ConversationDataset, openConversations } from '../data/conversations.ts'
import { type Draw, drawOrder } from '../data/order.ts'
import type { Stage } from './recipe.ts'

/** The order of a stage's samples, cut into micro-batches: the same for a seed, from any step on. */
export class BatchOrder {
  readonly datasets: readonly ConversationDataset[]
  readonly #order: Generator<Draw, never>
  readonly #batchSize: number

  private constructor(
    datasets: readonly ConversationDataset[],
    order: Generator<Draw, never>,
    batchSize: number,
  ) {
    this.datasets = datasets
    this.#order = order
    this.#batchSize = batchSize
  }

  /**
   * @param firstBatch micro-batches that were drawn before
   * @throws InputError `dataset-missing`, `dataset-empty`, `dataset-invalid`
   */
  static async open(stage: Stage, seed: number, firstBatch: number): Promise<BatchOrder> {
    const datasets = await Promise.all(stage.data.map(({ path, images }) => openConversations(path, images)))
    const sources = datasets.map(({ length }, i) => ({ length, weight: stage.data[i]!.weight }))
    const order = new BatchOrder(datasets, drawOrder(sources, seed), stage.batchSize)
    for (let batch = 0; batch < firstBatch; batch++) order.next()
    return order
  }

  /** Records in all sources together. */
  get length(): number {
    return this.datasets.reduce((sum, { length }) => sum + length, 0)
  }

  next(): Draw[] {
    return Array.from({ length: this.#batchSize }, () => this.#order.next().value)
  }

  async close(): Promise<void> {
    for (const dataset of this.datasets) await dataset.close()
  }
}

/** Updates that a stage takes. */
export function stepsOf(stage: Stage, records: number): number {
  if (stage.steps !== undefined) return stage.steps
  return Math.max(1, Math.round((stage.epochs! * records) / (stage.batchSize * stage.microBatches)))
}
