import type { WeightEntry } from '../checkpoint/checkpoint.ts'
import { rowReader } from '../checkpoint/rows.ts'
import { toFloat32 } from '../tensor/half.ts'
import { type HostTensor, zeros } from '../tensor/tensor.ts'

/** The descriptions of every tag, of which only what is asked for is ever in memory. */
export interface DescriptionTable {
  readonly tags: number
  /** Descriptions of each tag: 51 in RAM++, 1 in RAM. */
  readonly perTag: number
  /** The descriptions of some tags (ascending indices), [n, perTag, E]. */
  read(indices: readonly number[]): Promise<HostTensor<'f32'>>
}

/** `label_embed` [tags·perTag, E] by tag. All of RAM++'s is 479 MB; `tags` must divide its rows. */
export function descriptionTable(entry: WeightEntry, tags: number): DescriptionTable {
  const [rows, width] = entry.shape as [number, number]
  const perTag = rows / tags
  const readRows = rowReader(entry)
  return {
    tags,
    perTag,
    async read(indices) {
      const table = zeros('f32', [indices.length, perTag, width])
      for (let at = 0; at < indices.length; ) {
        // Neighbours in the list are neighbours in the file.
        let end = at + 1
        while (end < indices.length && indices[end] === indices[end - 1]! + 1) end++
        const run = await readRows(indices[at]! * perTag, (indices[end - 1]! + 1) * perTag)
        table.data.set(toFloat32(run).data, at * perTag * width)
        at = end
      }
      return table
    },
  }
}
