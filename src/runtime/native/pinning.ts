import * as threads from 'node:worker_threads'
import { EngineError } from '../../tensor/errors.ts'

/** Absent before Node 21, where ArrayBuffers cannot be detached by `transfer()` either. */
const { isMarkedAsUntransferable } = threads as { isMarkedAsUntransferable?: (value: object) => boolean }

const pinned = new WeakSet<ArrayBufferLike>()

/**
 * Makes sure that a buffer's memory stays where it is while the buffer is referenced, and says whether it could: a
 * shared or resizable buffer, or one that another library allocated, may be taken away by others.
 */
export function pin(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  if (pinned.has(buffer)) return true
  const isPlain = buffer instanceof ArrayBuffer && !(buffer as { resizable?: boolean }).resizable
  if (!isPlain || isMarkedAsUntransferable?.(buffer)) return false
  threads.markAsUntransferable(buffer)
  pinned.add(buffer)
  return true
}

/**
 * Keeps the memory of a view that koffi made with its view. Node cannot mark such buffers as undetachable (it aborts
 * at exit when it tries to detach them), and refuses already to post them; `transfer` is what is left.
 */
export function keepAttached(buffer: ArrayBuffer): void {
  const refuse = (): never => {
    throw new EngineError(
      'memory-untransferable',
      "The engine's memory cannot be transferred. Copy the tensor's data (`data.slice()`) and transfer the copy.",
    )
  }
  for (const name of ['transfer', 'transferToFixedLength'])
    Object.defineProperty(buffer, name, { value: refuse })
}
