import { sizeOf, viewBytes } from '../tensor/dtype.ts'
import { elementCount, type HostTensor, hostTensor } from '../tensor/tensor.ts'
import type { WeightEntry } from './checkpoint.ts'

/**
 * Reads the rows `from` to before `to` of a weight (its first axis) and no others: what keeps memory bounded where a
 * table is larger than what is looked up in it. Weights that do not lie in place are read whole once.
 */
export function rowReader(entry: WeightEntry): (from: number, to: number) => Promise<HostTensor> {
  const { dtype, place } = entry
  const rest = entry.shape.slice(1)
  const width = elementCount(rest)
  let whole: Promise<HostTensor> | undefined
  return async (from, to) => {
    const shape = [to - from, ...rest]
    if (!place) {
      whole ??= entry.read()
      return hostTensor(dtype, shape, (await whole).data.subarray(from * width, to * width))
    }
    const rowBytes = width * sizeOf(dtype)
    const bytes = await place.source.readRange(
      place.path,
      place.offset + from * rowBytes,
      (to - from) * rowBytes,
    )
    return hostTensor(dtype, shape, viewBytes(dtype, bytes))
  }
}
