import { type Draw, drawOrder } from '../data/order.ts'
import { teachesCells } from './cells/labels.ts'
import type { Stage } from './recipe.ts'
import { openSource, type SampleSource } from './sample-source.ts'

/** Samples that are drawn together, to be cut into micro-batches of near lengths. */
export interface Window {
  /** Counted from the stage's beginning. */
  readonly index: number
  readonly draws: readonly Draw[]
  /** Of its batches, those that were used before. */
  readonly usedBatches: number
}

/** The samples of a stage and their order: the same for a seed, from any micro-batch on. */
export class StageSamples {
  /** Updates that the stage takes. */
  readonly steps: number
  readonly #stage: Stage
  readonly #sources: readonly SampleSource[]

  private constructor(stage: Stage, sources: readonly SampleSource[]) {
    this.#stage = stage
    this.#sources = sources
    const samples = sources.reduce((sum, { length }) => sum + length, 0)
    const { steps, epochs, batchSize, microBatches } = stage
    this.steps = steps ?? Math.max(1, Math.round((epochs! * samples) / (batchSize * microBatches)))
  }

  /** @throws InputError `dataset-missing`, `dataset-empty`, `dataset-invalid` */
  static async open(stage: Stage): Promise<StageSamples> {
    const wants = stage.pictures === 'cells' ? 'layouts' : teachesCells(stage.labels) ? 'both' : 'pictures'
    return new StageSamples(stage, await Promise.all(stage.data.map((source) => openSource(source, wants))))
  }

  /** Micro-batches of all steps. */
  get batches(): number {
    return this.steps * this.#stage.microBatches
  }

  /**
   * The stage's windows in their order, the last one as short as the stage's end makes it.
   * @param firstBatch micro-batches that were used before
   */
  *windows(seed: number, firstBatch: number): Generator<Window, undefined> {
    const { data, batchSize, bucketBatches = 1 } = this.#stage
    const order = drawOrder(
      this.#sources.map(({ length }, i) => ({ length, weight: data[i]!.weight })),
      seed,
    )
    for (let index = 0; index * bucketBatches < this.batches; index++) {
      const batches = Math.min(bucketBatches, this.batches - index * bucketBatches)
      const draws = Array.from({ length: batches * batchSize }, () => order.next().value)
      const usedBatches = Math.max(0, firstBatch - index * bucketBatches)
      if (usedBatches < batches) yield { index, draws, usedBatches }
    }
  }

  /** @throws InputError for a record or a picture that is broken */
  read({ source, index }: Draw): ReturnType<SampleSource['read']> {
    return this.#sources[source]!.read(index)
  }

  async close(): Promise<void> {
    for (const source of this.#sources) await source.close()
  }
}
