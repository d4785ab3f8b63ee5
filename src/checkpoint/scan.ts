import { type DType, sizeOf, viewBytes } from '../tensor/dtype.ts'
import { AbortError } from '../tensor/errors.ts'
import type { Checkpoint, WeightEntry } from './checkpoint.ts'

/** Where a weight holds NaN or infinity. */
export interface NonFiniteWeight {
  readonly key: string
  /** How many elements are NaN or infinite. */
  readonly count: number
  /** The first of them, as an index into the row-major elements. */
  readonly firstIndex: number
}

/** Large enough to amortise a read, small enough that the event loop is held for few milliseconds. */
const chunkBytes = 8 * 2 ** 20

/**
 * The weights that hold NaN or infinity, which a run would only show as garbage. Reads every byte, in chunks,
 * and gives way to the event loop between them.
 * @throws AbortError `aborted`, with what was found until then.
 */
export async function findNonFinite(
  checkpoint: Checkpoint,
  options: { keys?: Iterable<string>; signal?: AbortSignal } = {},
): Promise<NonFiniteWeight[]> {
  const found: NonFiniteWeight[] = []
  let bytesHeld = 0
  for (const key of options.keys ?? checkpoint.keys()) {
    const entry = checkpoint.entry(key)
    if (!isFloat(entry.dtype)) continue
    const total = { count: 0, firstIndex: -1 }
    let elements = 0
    for await (const bytes of chunksOf(entry)) {
      if (options.signal?.aborted)
        throw new AbortError(
          'aborted',
          `The scan was stopped at ${key}.`,
          { key, found },
          options.signal.reason,
        )
      const chunk = scanChunk(entry.dtype, bytes)
      if (total.count === 0 && chunk.count > 0) total.firstIndex = elements + chunk.firstIndex
      total.count += chunk.count
      elements += bytes.byteLength / sizeOf(entry.dtype)
      bytesHeld += bytes.byteLength
      if (bytesHeld < chunkBytes) continue // a timer takes a millisecond: thousands of small weights share one
      bytesHeld = 0
      await new Promise((resolve) => setTimeout(resolve))
    }
    if (total.count > 0) found.push({ key, ...total })
  }
  return found
}

function isFloat(dtype: DType): boolean {
  return dtype === 'f32' || dtype === 'f16' || dtype === 'bf16' || dtype === 'f64'
}

/** A weight's bytes in pieces of whole elements: from its file where it lies there in order, else from memory. */
async function* chunksOf(entry: WeightEntry): AsyncGenerator<Uint8Array> {
  if (entry.place) {
    const { source, path, offset, length } = entry.place
    const readAt = (at: number) => source.readRange(path, offset + at, Math.min(chunkBytes, length - at))
    let next = readAt(0)
    for (let at = 0; at < length; at += chunkBytes) {
      const bytes = await next
      if (at + chunkBytes < length) next = readAt(at + chunkBytes) // while this one is scanned
      next.catch(() => {}) // thrown by the next await, unless the scan is stopped before
      yield bytes
    }
    return
  }
  const { data } = await entry.read()
  for (let at = 0; at < data.byteLength; at += chunkBytes)
    yield new Uint8Array(data.buffer, data.byteOffset + at, Math.min(chunkBytes, data.byteLength - at))
}

/**
 * Every non-finite element has all exponent bits set. The first pass only tells whether there is one, without a
 * branch and two 16-bit elements at a time; weights rarely need the second, which counts them.
 */
function scanChunk(dtype: DType, bytes: Uint8Array): { count: number; firstIndex: number } {
  if (dtype === 'f64') return countWide(words(bytes))
  if (dtype === 'f32') {
    const elements = words(bytes)
    return anyNonFinite(elements, 0x7f800000) ? count(elements, 0x7f800000) : none
  }
  const exponent = dtype === 'bf16' ? 0x7f80 : 0x7c00
  const evenBytes = bytes.byteLength & ~3
  const isClean = !anyNonFinite(words(bytes.subarray(0, evenBytes)), exponent | (exponent << 16))
  return isClean && evenBytes === bytes.byteLength ? none : count(viewBytes('f16', bytes), exponent)
}

const none = { count: 0, firstIndex: -1 }

function words(bytes: Uint8Array): Uint32Array {
  const view = viewBytes('i32', bytes)
  return new Uint32Array(view.buffer, view.byteOffset, view.length)
}

/**
 * Whether any word has all bits of one exponent set; `mask` has the exponent of a word, or of its two halves.
 * Adding the exponent's lowest bit carries into the sign's place exactly when all its bits are set.
 */
function anyNonFinite(words: Uint32Array, mask: number): boolean {
  const lowest = mask & ~(mask << 1)
  const sign = (mask << 1) & ~mask
  let carried = 0
  for (let i = 0; i < words.length; i++) carried |= (words[i]! & mask) + lowest
  return (carried & sign) !== 0
}

function count(values: Uint32Array | Uint16Array, exponent: number): { count: number; firstIndex: number } {
  let count = 0
  let firstIndex = -1
  for (let i = 0; i < values.length; i++) {
    if ((values[i]! & exponent) !== exponent) continue
    if (count === 0) firstIndex = i
    count++
  }
  return { count, firstIndex }
}

/** Only a double's upper word holds its exponent. */
function countWide(values: Uint32Array): { count: number; firstIndex: number } {
  let count = 0
  let firstIndex = -1
  for (let i = 1; i < values.length; i += 2) {
    if ((values[i]! & 0x7ff00000) !== 0x7ff00000) continue
    if (count === 0) firstIndex = (i - 1) / 2
    count++
  }
  return { count, firstIndex }
}
