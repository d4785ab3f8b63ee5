import { type DType, sizeOf } from '../tensor/dtype.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { elementCount, type HostTensor } from '../tensor/tensor.ts'
import type { WeightEntry } from './checkpoint.ts'
import { dtypeOfName } from './safetensors.ts'

/** One tensor to write, whose bytes come in pieces: a checkpoint's tensor need never be whole in memory. */
export interface TensorToWrite {
  readonly key: string
  readonly dtype: DType
  readonly shape: readonly number[]
  /** The little-endian, row-major bytes in order, in pieces of any size. Called once. */
  chunks(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

/** A checkpoint's weight as it is, read when its turn comes. */
export function entryToWrite(entry: WeightEntry): TensorToWrite {
  const { key, dtype, shape } = entry
  return {
    ...{ key, dtype, shape },
    async *chunks() {
      const { buffer, byteOffset, byteLength } = (await entry.read()).data
      yield new Uint8Array(buffer, byteOffset, byteLength)
    },
  }
}

const nameOfDtype = new Map([...dtypeOfName].map(([name, dtype]) => [dtype, name]))

/** The bytes of a safetensors file; for files beyond memory use `safetensorsChunks`. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const entries = fileOrder(
    [...tensors].map(([key, { dtype, shape, data }]) => ({ key, dtype, shape, data })),
  )
  for (const { key, dtype, shape, data } of entries)
    if (data.length !== elementCount(shape))
      throw wrongLength(key, sizeOf(dtype) * elementCount(shape), data.byteLength)
  const header = headerOf(entries, metadata)
  const file = new Uint8Array(entries.reduce((size, { data }) => size + data.byteLength, header.byteLength))
  file.set(header)
  let offset = header.byteLength
  for (const { data } of entries) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset)
    offset += data.byteLength
  }
  return file
}

/**
 * A safetensors file in pieces, first its header, then every tensor's own chunks as they come.
 * @throws CheckpointError `tensor-length` when a tensor's chunks are not as long as its shape, and
 * `weight-duplicate`; what was yielded until then must be thrown away.
 */
export async function* safetensorsChunks(
  tensors: readonly TensorToWrite[],
  metadata?: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  const entries = fileOrder(tensors)
  yield headerOf(entries, metadata)
  for (const entry of entries) {
    const expected = sizeOf(entry.dtype) * elementCount(entry.shape)
    let found = 0
    for await (const chunk of entry.chunks()) {
      found += chunk.byteLength
      if (found > expected) throw wrongLength(entry.key, expected, found)
      yield chunk
    }
    if (found !== expected) throw wrongLength(entry.key, expected, found)
  }
}

/** The reference's order: larger elements first, so that all stay aligned behind a padded header, then by name. */
function fileOrder<T extends { key: string; dtype: DType }>(entries: readonly T[]): T[] {
  const byName = (a: T, b: T) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
  return [...entries].sort((a, b) => sizeOf(b.dtype) - sizeOf(a.dtype) || byName(a, b))
}

/** The length and the header, padded with spaces to a multiple of 8 bytes. */
function headerOf(
  entries: readonly { key: string; dtype: DType; shape: readonly number[] }[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parts = [`"__metadata__":${JSON.stringify({ format: 'pt', ...metadata })}`]
  const keys = new Set(['__metadata__'])
  let begin = 0
  for (const { key, dtype, shape } of entries) {
    if (keys.has(key))
      throw new CheckpointError('weight-duplicate', `Two tensors to write are called ${key}; rename one.`, {
        key,
      })
    keys.add(key)
    const end = begin + sizeOf(dtype) * elementCount(shape)
    const value = { dtype: nameOfDtype.get(dtype), shape, data_offsets: [begin, end] }
    parts.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`)
    begin = end
  }
  const json = new TextEncoder().encode(`{${parts.join(',')}}`)
  const padded = Math.ceil(json.byteLength / 8) * 8
  const bytes = new Uint8Array(8 + padded).fill(0x20, 8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true)
  bytes.set(json, 8)
  return bytes
}

function wrongLength(key: string, expected: number, found: number): CheckpointError {
  return new CheckpointError(
    'tensor-length',
    `${key} needs ${expected} bytes by its shape and type, but ${found} were given. The file is incomplete.`,
    { key, expected, found },
  )
}
