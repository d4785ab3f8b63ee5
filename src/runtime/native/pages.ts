import type koffi from 'koffi'
import type { Pointer } from './api.ts'

/** `MADV_DONTNEED` of Linux; on macOS it promises nothing, so the pages wait for the collector there. */
const dontNeed = 4

/** Below this there is nothing worth giving back early. */
const leastBytes = 2 ** 20

const page = 4096n

type Advise = (address: Pointer, size: bigint, advice: number) => number

/** The function and the handle of the C library, which must not be collected. */
let libc: { readonly handle: unknown; readonly advise: Advise } | undefined

/**
 * Gives the physical pages inside a block back to the system; they read as zero afterwards. Does nothing where the
 * system has no such call.
 */
export function releasePages(ffi: typeof koffi, address: Pointer, sizeBytes: number): void {
  if (process.platform !== 'linux' || sizeBytes < leastBytes) return
  libc ??= openLibc(ffi)
  const start = ((address + page - 1n) / page) * page
  const end = ((address + BigInt(sizeBytes)) / page) * page
  if (end > start) libc.advise(start, end - start, dontNeed)
}

function openLibc(ffi: typeof koffi): { handle: unknown; advise: Advise } {
  const handle = ffi.load(null)
  return { handle, advise: handle.func('madvise', 'int', ['void *', 'size_t', 'int']) }
}
