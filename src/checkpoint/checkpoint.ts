import type { DType } from '../tensor/dtype.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import type { FileSource } from './files.ts'

/** Where a weight's little-endian, contiguous, row-major bytes lie in a file of the source. */
export interface WeightPlace {
  readonly source: FileSource
  readonly path: string
  readonly offset: number
  readonly length: number
}

/** One tensor of a checkpoint, known by its header; its values stay on disk until they are read. */
export interface WeightEntry {
  readonly key: string
  readonly dtype: DType
  readonly shape: readonly number[]
  /** Set when the engine can map the values in place; absent for strided or computed tensors. */
  readonly place?: WeightPlace
  /** Set where `read` computes the values out of other weights: how, and of which. Tells them without computing them. */
  readonly computed?: { readonly how: string; readonly from: readonly WeightEntry[] }
  read(): Promise<HostTensor>
}

/** Named tensors under their original state-dict keys, whatever the files they come from. */
export interface Checkpoint {
  /** What to call it in messages. */
  readonly name: string
  /** All keys in file order. */
  keys(): string[]
  has(key: string): boolean
  /** @throws CheckpointError `weight-missing`, which names the nearest keys. */
  entry(key: string): WeightEntry
}
