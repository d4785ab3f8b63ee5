import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { characterErrorRate, readingErrors } from './character-error-rate.ts'
import { exactMatch } from './exact-match.ts'
import { readQuantity, withinTolerance } from './tolerance.ts'

const answered = ([expected, given]: readonly [string, string]) => ({ expected, given })
const rateOf = (...lines: readonly (readonly [string, string])[]) =>
  characterErrorRate(lines.map((line) => readingErrors(answered(line))))

test('the character error rate counts insertions, deletions and replacements over what is written', () => {
  assert.equal(rateOf(['abcd', 'abcd']), 0)
  assert.equal(rateOf(['abcd', 'abxd']), 1 / 4)
  assert.equal(rateOf(['abcd', 'abd']), 1 / 4)
  assert.equal(rateOf(['abcd', 'abbcd']), 1 / 4)
  assert.equal(rateOf(['abcd', '']), 1)
  assert.equal(rateOf(['ab', 'abcdef']), 2)
})

test('the character error rate is of all lines together, not the mean of the lines', () => {
  assert.equal(rateOf(['a', 'x'], ['abcdefghi', 'abcdefghi']), 1 / 10)
})

test('the character error rate counts code points, heeds case and forgives spaces', () => {
  assert.equal(rateOf(['👍🏽a', '👍a']), 1 / 3)
  assert.equal(rateOf(['Total', 'total']), 1 / 5)
  assert.equal(rateOf(['net  sum', ' net\nsum ']), 0)
  assert.ok(Number.isNaN(rateOf()))
})

test('the edits between two lines are the same in both directions and at most the longer one', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 })
  fc.assert(
    fc.property(text, text, (a, b) => {
      const [there, back] = [readingErrors(answered([a, b])), readingErrors(answered([b, a]))]
      assert.equal(there.edits, back.edits)
      assert.ok(there.edits <= Math.max(there.characters, back.characters))
      assert.ok(there.edits >= Math.abs(there.characters - back.characters))
    }),
  )
})

test('an exact match forgives spaces and nothing else', () => {
  for (const [pair, isMatch] of [
    [['12.50 €', ' 12.50   €\n'], true],
    [['12.50 €', '12.50€'], false],
    [['Anna Lee', 'anna lee'], false],
    [['Anna Lee', 'Anna Lee.'], false],
    [['', ' '], true],
  ] as const)
    assert.equal(exactMatch(answered(pair)), isMatch, pair.join(' | '))
})

test('a quantity is the one number of a text and what stands around it', () => {
  for (const [text, value, unit] of [
    ['1,234.5', 1234.5, ''],
    ['1.234,5', 1234.5, ''],
    ['1,234', 1234, ''],
    ['1.234', 1.234, ''],
    ['1.234.567', 1234567, ''],
    ['0,250', 0.25, ''],
    ['12,5 %', 12.5, '%'],
    ['1 234 567', 1234567, ''],
    ['1\u202f234', 1234, ''],
    ["1'234.50", 1234.5, ''],
    ['.5', 0.5, ''],
    ['-$3.20', -3.2, '$'],
    ['$ -3.20', -3.2, '$'],
    ['−4 °C', -4, '°C'],
    ['+7%', 7, '%'],
    ['USD 40', 40, 'USD'],
    ['40 kg.', 40, 'kg'],
  ] as const)
    assert.deepEqual(readQuantity(text), { value, unit }, text)
})

test('what is no number, or more than one, is no quantity', () => {
  for (const text of [
    '',
    'none',
    '3 of 5',
    '12 34',
    '1,23,4',
    '1.2.3',
    '2024-05-01',
    '12:30',
    '1e5',
    'about 5',
  ])
    assert.equal(readQuantity(text), undefined, text)
})

test('a number is right within five percent of the expected one, the limit included', () => {
  for (const [pair, isRight] of [
    [['100', '105'], true],
    [['100', '105.1'], false],
    [['1', '1.05'], true],
    [['-40', '-38'], true],
    [['-40', '38'], false],
    [['1,000', '960'], true],
    [['12%', '12'], true],
    [['12%', '12 %'], true],
    [['12%', '$12'], false],
    [['0', '0.0'], true],
    [['0', '0.01'], false],
    [['5', 'five'], false],
    [['May', 'May'], false],
  ] as const)
    assert.equal(withinTolerance(answered(pair)), isRight, pair.join(' | '))
})

test('a number in any of the usual ways of writing is read back', () => {
  // A comma before three digits is read as that of thousands: 1,000 may be either.
  const ways = [
    ['en-US', 3],
    ['de-DE', 2],
    ['fr-FR', 2],
    ['de-CH', 3],
  ] as const
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 10 ** 9 }),
      fc.constantFrom(...ways),
      (thousandths, [locale, places]) => {
        const value = Number((thousandths / 1000).toFixed(places))
        const format = new Intl.NumberFormat(locale, {
          minimumFractionDigits: places,
          maximumFractionDigits: places,
        })
        assert.equal(readQuantity(format.format(value))?.value, value, format.format(value))
      },
    ),
  )
})

test('no text breaks a score', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[-+$€\d.,' %]{0,12}$/))
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(typeof withinTolerance(answered([a, b])), 'boolean')
      assert.ok(exactMatch(answered([a, a])))
      const quantity = readQuantity(a)
      assert.ok(quantity === undefined || Number.isFinite(quantity.value))
    }),
  )
})
