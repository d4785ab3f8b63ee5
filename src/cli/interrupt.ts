import { AbortError } from '../tensor/errors.ts'

/** What stops a run from outside. */
export interface Interruption {
  readonly signal: AbortSignal
  /** What Ctrl-C does, for a terminal in raw mode, which sends no signal. */
  interrupt(): void
  /** Gives Ctrl-C back. */
  release(): void
}

/**
 * A signal that fires at the first Ctrl-C (or SIGTERM), after which the run stops as soon as it can and keeps what
 * it has; a second one ends the process at once.
 */
export function interruptSignal(): Interruption {
  const controller = new AbortController()
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort()
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  return {
    signal: controller.signal,
    interrupt,
    release() {
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', interrupt)
    },
  }
}

/** Never resolves; rejects as soon as the signal fires, even while the engine is busy loading. */
export function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new AbortError('aborted', 'Loading was stopped.'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
