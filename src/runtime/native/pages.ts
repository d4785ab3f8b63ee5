import type koffi from 'koffi'
import type { Pointer } from './api.ts'

/** `MADV_DONTNEED` of Linux; on macOS it promises nothing, so the pages wait for the collector there. */
const dontNeed = 4

/** Below this there is nothing worth giving back early. */
const leastBytes = 2 ** 20

const page = 4096n

type Advise = (address: Pointer, size: bigint, advice: number) => number
type Trim = { readonly async: (keptBytes: number, done: () => void) => void }

/** The functions and the handle of the C library, which must not be collected. */
let libc: { readonly handle: unknown; readonly advise: Advise; readonly trim: Trim | undefined } | undefined

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

/**
 * Gives back to the system what the C library's heap keeps of memory that was freed: over half of a closed session's
 * weights, since the heap returns large blocks only. Does nothing where the library is not glibc.
 */
export function trimHeap(ffi: typeof koffi): Promise<void> {
  if (process.platform !== 'linux') return Promise.resolve()
  libc ??= openLibc(ffi)
  const { trim } = libc
  return new Promise((resolve) => {
    if (trim) trim.async(0, () => resolve())
    else resolve()
  })
}

function openLibc(ffi: typeof koffi): NonNullable<typeof libc> {
  const handle = ffi.load(null)
  const advise = handle.func('madvise', 'int', ['void *', 'size_t', 'int'])
  try {
    return { handle, advise, trim: handle.func('malloc_trim', 'int', ['size_t']) }
  } catch {
    return { handle, advise, trim: undefined } // musl
  }
}
