import assert from 'node:assert/strict'
import type { HostTensor } from '../src/tensor/tensor.ts'

/** Asserts equal shapes and |actual − expected| ≤ atol + rtol·|expected| everywhere; names the worst element. */
export function closeTo(
  actual: HostTensor,
  expected: HostTensor,
  { atol = 1e-6, rtol = 1e-5, name = 'tensor' }: { atol?: number; rtol?: number; name?: string } = {},
): void {
  assert.equal(actual.dtype, expected.dtype, `${name}: element type`)
  assert.deepEqual([...actual.shape], [...expected.shape], `${name}: shape`)
  let worst = -1
  let excess = 0
  for (let i = 0; i < expected.data.length; i++) {
    const [a, e] = [Number(actual.data[i]), Number(expected.data[i])]
    const over = a === e ? 0 : Math.abs(a - e) - (atol + rtol * Math.abs(e))
    if (Number.isNaN(over) || over > excess) {
      worst = i
      excess = Number.isNaN(over) ? Number.POSITIVE_INFINITY : over
    }
  }
  if (worst >= 0)
    assert.fail(
      `${name}: element ${worst} is ${actual.data[worst]}, expected ${expected.data[worst]} (atol ${atol}, rtol ${rtol})`,
    )
}
