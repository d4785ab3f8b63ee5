/**
 * Runs `work` on every item, in order, at most `parallel` at a time. The first failure aborts `failure`; it
 * is thrown after the work that was under way has ended.
 */
export async function withinLimit<T>(
  parallel: number,
  items: readonly T[],
  failure: AbortController,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values()
  const errors: unknown[] = []
  const workers = Array.from({ length: Math.max(1, parallel) }, async () => {
    for (const item of queue) {
      if (failure.signal.aborted) return
      try {
        await work(item)
      } catch (error) {
        errors.push(error)
        failure.abort()
      }
    }
  })
  await Promise.all(workers)
  if (errors.length > 0) throw errors[0]
}
