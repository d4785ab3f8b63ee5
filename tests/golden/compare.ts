import type { HostTensor } from '../../src/tensor/tensor.ts'
import type { Tolerance } from './case.ts'

/** The tolerance that a case states for a name: of the longest pattern (with `*`) that matches, else of `default`. */
export function toleranceOf(
  tolerances: Readonly<Record<string, Tolerance>>,
  name: string,
): Tolerance | undefined {
  const matching = Object.entries(tolerances).filter(([pattern]) => matches(pattern, name))
  matching.sort(([a], [b]) => b.length - a.length)
  return matching[0]?.[1] ?? tolerances.default
}

/**
 * What floats are held to that differ although a case states no tolerance for them: the strictest relative one that it
 * grants any other. The summary names them.
 */
export function strictestTolerance(tolerances: Readonly<Record<string, Tolerance>>): Tolerance {
  const granted = Object.values(tolerances).filter(({ rtol }) => rtol > 0)
  return granted.sort((a, b) => a.atol + a.rtol - (b.atol + b.rtol))[0] ?? exact
}

export const exact: Tolerance = { atol: 0, rtol: 0 }

function matches(pattern: string, name: string): boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escaped.join('.*')}$`).test(name)
}

/** The worst error in units of the tolerance, and what is wrong when it is above 1. */
export function compareTensor(
  actual: HostTensor,
  expected: HostTensor,
  { atol, rtol }: Tolerance,
): { worst: number; problem?: string } {
  if (actual.shape.join() !== expected.shape.join())
    return { worst: Infinity, problem: `shape [${actual.shape}], expected [${expected.shape}]` }
  let worst = 0
  let at = -1
  for (let i = 0; i < expected.data.length; i++) {
    const [found, wanted] = [Number(actual.data[i]), Number(expected.data[i])]
    const bound = atol + rtol * Math.abs(wanted)
    const error = Math.abs(found - wanted)
    const relative = error === 0 || Object.is(found, wanted) ? 0 : bound === 0 ? Infinity : error / bound
    // A NaN where none is expected compares false with everything.
    if (!(relative <= worst)) [worst, at] = [Number.isNaN(relative) ? Infinity : relative, i]
  }
  if (worst <= 1) return { worst }
  const place = indexOf(at, expected.shape)
  return {
    worst,
    problem: `${worst.toPrecision(3)} times the tolerance at [${place}]: ${actual.data[at]}, expected ${expected.data[at]}`,
  }
}

function indexOf(flat: number, shape: readonly number[]): number[] {
  const index: number[] = []
  for (const size of shape.toReversed()) {
    index.unshift(flat % size)
    flat = Math.floor(flat / size)
  }
  return index
}
