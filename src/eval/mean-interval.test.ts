import assert from 'node:assert/strict'
import { test } from 'node:test'
import { meanInterval } from './mean-interval.ts'

test('three seeds have an interval of 4.3 standard errors, a single one has none', () => {
  const { mean, interval } = meanInterval([1, 2, 3])
  assert.equal(mean, 2)
  assert.ok(Math.abs(interval![1] - 2 - 4.30265 / Math.sqrt(3)) < 1e-9)
  assert.ok(Math.abs(interval![0] + interval![1] - 4) < 1e-9)
  assert.deepEqual(meanInterval([5]), { mean: 5, interval: undefined })
})

test('above ten degrees of freedom the expansion agrees with the tables', () => {
  for (const [freedom, expected] of [
    [11, 2.20099],
    [30, 2.04227],
    [120, 1.97993],
  ] as const) {
    // Values of standard deviation 1, up to the sign of each.
    const values = Array.from({ length: freedom + 1 }, (_, i) => (i % 2 === 0 ? 1 : -1))
    const { mean, interval } = meanInterval(values)
    const n = values.length
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1))
    const t = ((interval![1] - mean) * Math.sqrt(n)) / deviation
    assert.ok(Math.abs(t - expected) < 2e-4, `${freedom}: ${t}`)
  }
})
