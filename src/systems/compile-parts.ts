import type { CompileOptions } from '../runtime/program.ts'

/** What holds memory of the engine until it is given back. */
interface Disposable {
  dispose(): Promise<void>
}

/**
 * The two parts of a system, compiled side by side where the engine has cores for it (on the CPU), else one after the
 * other, since a browser would hold the bytes of both at once. When one fails the other is disposed.
 * @throws what the parts throw
 */
export async function compileParts<A extends Disposable, B extends Disposable>(
  { device }: CompileOptions,
  first: () => Promise<A>,
  second: () => Promise<B>,
): Promise<[A, B]> {
  const one = first()
  if (device !== 'cpu') await one
  const [a, b] = await Promise.allSettled([one, second()])
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return [a.value, b.value]
  for (const part of [a, b]) if (part.status === 'fulfilled') await part.value.dispose()
  throw a.status === 'rejected' ? a.reason : (b as PromiseRejectedResult).reason
}
