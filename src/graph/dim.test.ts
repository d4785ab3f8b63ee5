import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  addDims,
  type Dim,
  dim,
  dimText,
  evaluateDim,
  exactQuotient,
  floorDivDims,
  mulDims,
  sameDim,
  subDims,
  symbolsOf,
} from './dim.ts'

const names = ['B', 'N', 'T']
const values = fc.record({
  B: fc.integer({ min: 1, max: 9 }),
  N: fc.integer({ min: 1, max: 9 }),
  T: fc.integer({ min: 0, max: 9 }),
})
const at = (d: Dim, v: Record<string, number>): number => evaluateDim(d, new Map(Object.entries(v)))

const leaf: fc.Arbitrary<Dim> = fc.oneof(fc.integer({ min: -4, max: 9 }), fc.constantFrom(...names).map(dim))
const polynomial: fc.Arbitrary<Dim> = fc
  .array(fc.array(leaf, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 })
  .map((terms) => addDims(...terms.map((factors) => mulDims(...factors))))
const options = { seed: 11, numRuns: 500 }

test('arithmetic of dims agrees with arithmetic of their values', () => {
  fc.assert(
    fc.property(polynomial, polynomial, values, (a, b, v) => {
      // === holds for 0 and −0, assert.equal of the strict module does not.
      assert.ok(at(addDims(a, b), v) === at(a, v) + at(b, v))
      assert.ok(at(subDims(a, b), v) === at(a, v) - at(b, v))
      assert.ok(at(mulDims(a, b), v) === at(a, v) * at(b, v))
      if (at(b, v) !== 0) assert.ok(at(floorDivDims(a, b), v) === Math.floor(at(a, v) / at(b, v)))
    }),
    options,
  )
})

test('equal polynomials have equal texts, however they were put together', () => {
  fc.assert(
    fc.property(polynomial, polynomial, polynomial, (a, b, c) => {
      const pairs: [Dim, Dim][] = [
        [addDims(a, b, c), addDims(c, addDims(b, a))],
        [mulDims(a, b, c), mulDims(mulDims(c, a), b)],
        [mulDims(a, addDims(b, c)), addDims(mulDims(a, b), mulDims(a, c))],
        [subDims(addDims(a, b), b), a],
      ]
      for (const [x, y] of pairs) {
        assert.equal(dimText(x), dimText(y))
        assert.ok(sameDim(x, y))
      }
    }),
    options,
  )
})

test('the difference of two dims is 0 exactly when their texts are equal', () => {
  fc.assert(
    fc.property(polynomial, polynomial, (a, b) => {
      assert.equal(subDims(a, b) === 0, sameDim(a, b))
    }),
    options,
  )
})

test('the exact quotient undoes a product', () => {
  fc.assert(
    fc.property(polynomial, polynomial, (a, b) => {
      fc.pre(b !== 0)
      assert.ok(sameDim(exactQuotient(mulDims(a, b), b) ?? dim('none'), a))
    }),
    options,
  )
})

test('there is no exact quotient where a value would leave a rest', () => {
  const T = dim('T')
  assert.equal(exactQuotient(addDims(mulDims(4, T), 2), 4), undefined)
  assert.equal(exactQuotient(T, dim('N')), undefined)
  assert.equal(exactQuotient(T, 0), undefined)
  assert.equal(exactQuotient(addDims(T, 1), addDims(T, 2)), undefined)
  assert.equal(exactQuotient(7, 2), undefined)
})

test('floor division is an atom that later arithmetic keeps', () => {
  const halved = floorDivDims(dim('H'), 2)
  assert.equal(dimText(addDims(mulDims(2, halved), 1)), '2*⌊(H)/(2)⌋ + 1')
  assert.equal(subDims(mulDims(2, halved), addDims(halved, halved)), 0)
  assert.deepEqual(symbolsOf(halved), ['H'])
  assert.equal(at(halved, { H: 7 }), 3)
  assert.equal(at(floorDivDims(floorDivDims(dim('H'), 2), 2), { H: 7 }), 1)
  assert.equal(dimText(floorDivDims(mulDims(4, dim('H')), 2)), '2*H')
})
