import { permutation } from '../data/order.ts'
import type { Random } from '../generate/random.ts'

/**
 * Bucketing by length: a window's samples cut into batches of near lengths, so that little is padded. The batches come
 * in an order by chance, each with its samples in the order they were drawn; the last one takes what is left over.
 * @param lengths of the window's samples in tokens
 * @returns for each batch the places of its samples in the window
 */
export function bucketed(lengths: readonly number[], batchSize: number, random: Random): number[][] {
  const byLength = [...lengths.keys()].sort((a, b) => lengths[a]! - lengths[b]! || a - b)
  const batches = Array.from({ length: Math.ceil(lengths.length / batchSize) }, (_, i) =>
    byLength.slice(i * batchSize, (i + 1) * batchSize).sort((a, b) => a - b),
  )
  return [...permutation(batches.length, random)].map((i) => batches[i]!)
}
