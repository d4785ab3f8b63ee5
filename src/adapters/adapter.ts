import type { WeightEntry } from '../checkpoint/checkpoint.ts'

/** What an adapter changes of a model, by the model's own keys. */
export interface Adapter {
  /** What to call it in messages. */
  readonly name: string
  /** Low-rank pairs by the linear layer that they stand beside, whose matrix is `<module>.weight`. */
  readonly pairs: ReadonlyMap<string, LoraPair>
  /** Weights that take the place of the model's. */
  readonly weights: ReadonlyMap<string, WeightEntry>
}

/** W + scale·B·A: the values of a low-rank pair. */
export interface LoraPair {
  /** [rank, in] */
  readonly a: WeightEntry
  /** [out, rank] */
  readonly b: WeightEntry
  readonly scale: number
}

/** What a pair's product is multiplied by: alpha / rank, of rank-stabilised LoRA alpha / √rank (arXiv 2312.03732). */
export function loraScale(settings: {
  readonly rank: number
  readonly alpha: number
  readonly usesRslora?: boolean | undefined
}): number {
  const { rank, alpha, usesRslora = false } = settings
  return alpha / (usesRslora ? Math.sqrt(rank) : rank)
}
