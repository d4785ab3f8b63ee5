import type { WeightEntry } from '../checkpoint/checkpoint.ts'
import { rowReader } from '../checkpoint/rows.ts'
import { toFloat32 } from '../tensor/half.ts'
import { type HostTensor, hostTensor, zeros } from '../tensor/tensor.ts'

/** The descriptions of every tag, of which only what is asked for is ever in memory. */
export interface DescriptionTable {
  readonly tags: number
  /** Descriptions of each tag: 51 in RAM++, 1 in RAM. */
  readonly perTag: number
  /** The descriptions of some tags (ascending indices), [n, perTag, E]. */
  read(indices: readonly number[]): Promise<HostTensor<'f32'>>
}

/** Descriptions that are in memory, [tags, perTag, E]. */
export function describedTable({ shape, data }: HostTensor<'f32'>): DescriptionTable {
  const [tags, perTag, width] = shape as [number, number, number]
  const size = perTag * width
  return {
    tags,
    perTag,
    async read(indices) {
      const rows = zeros('f32', [indices.length, perTag, width])
      for (const [row, index] of indices.entries())
        rows.data.set(data.subarray(index * size, (index + 1) * size), row * size)
      return rows
    },
  }
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
      const shape = [indices.length, perTag, width]
      const rows = async (from: number, to: number): Promise<Float32Array> =>
        toFloat32(await readRows(indices[from]! * perTag, (indices[to - 1]! + 1) * perTag)).data
      // Neighbours in the list are neighbours in the file.
      const starts = indices.flatMap((index, at) => (index === (indices[at - 1] ?? -2) + 1 ? [] : [at]))
      if (starts.length === 1) return hostTensor('f32', shape, await rows(0, indices.length))
      const table = zeros('f32', shape)
      for (const [run, at] of starts.entries())
        table.data.set(await rows(at, starts[run + 1] ?? indices.length), at * perTag * width)
      return table
    },
  }
}
