import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bootstrapInterval, wilsonInterval } from './intervals.ts'

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

test("Wilson's interval has the values of the literature", () => {
  // Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
  const rounded = (right: number, asked: number) =>
    wilsonInterval(right, asked).map((end) => Number(end.toFixed(4)))
  assert.deepEqual(rounded(81, 263), [0.2553, 0.3662])
  assert.deepEqual(rounded(15, 148), [0.0624, 0.1605])
  assert.deepEqual(rounded(0, 20), [0, 0.1611])
  assert.deepEqual(rounded(1, 29), [0.0061, 0.1718])
})

test("Wilson's interval holds the share, within 0 and 1", () => {
  fc.assert(
    fc.property(fc.nat(500), fc.nat(500), (a, b) => {
      const [right, asked] = [Math.min(a, b), Math.max(a, b)]
      const [low, high] = wilsonInterval(right, asked)
      assert.ok(0 <= low && low < high && high <= 1)
      assert.ok(asked === 0 || (low <= right / asked && right / asked <= high))
    }),
  )
})

test('a bootstrap gives the same interval at the same seed, and another at another', () => {
  const values = Array.from({ length: 50 }, (_, i) => (i * 37) % 50)
  assert.deepEqual(bootstrapInterval(values, mean, 3), bootstrapInterval(values, mean, 3))
  assert.notDeepEqual(bootstrapInterval(values, mean, 3), bootstrapInterval(values, mean, 4))
})

test("the bootstrap of a share is about Wilson's interval", () => {
  const values = Array.from({ length: 400 }, (_, i) => Number(i < 300))
  const ends = wilsonInterval(300, 400)
  for (const [i, end] of bootstrapInterval(values, mean).entries())
    assert.ok(Math.abs(end - ends[i]!) < 0.008, `${end} is not near ${ends[i]}`)
})

test('what never varies has an interval without width, and nothing has none', () => {
  assert.deepEqual(bootstrapInterval([0.5, 0.5, 0.5], mean), [0.5, 0.5])
  assert.deepEqual(bootstrapInterval([], mean), [Number.NaN, Number.NaN])
})
