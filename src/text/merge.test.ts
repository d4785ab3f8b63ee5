import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type MergeRules, mergeSymbols } from './merge.ts'

/** Rules over letters: the first pair has the best rank. Symbols are indices into `names`, which grows. */
function rulesOf(pairs: readonly string[], names: string[], waits: boolean): MergeRules {
  const number = (name: string) => {
    if (!names.includes(name)) names.push(name)
    return names.indexOf(name)
  }
  for (const pair of pairs) number(pair.replace(' ', ''))
  return {
    waits,
    find: (left, right) => pairs.indexOf(`${names[left]} ${names[right]}`),
    rank: (rule) => rule,
    result: (rule) => number(pairs[rule]!.replace(' ', '')),
  }
}

function merged(text: string, pairs: readonly string[], waits = true): string[] {
  const names = [...new Set(text)]
  const rules = rulesOf(pairs, names, waits)
  return mergeSymbols(
    [...text].map((letter) => names.indexOf(letter)),
    rules,
  ).map((symbol) => names[symbol]!)
}

test('merges the pair of the lowest rank first, wherever it is', () => {
  assert.deepEqual(merged('abc', ['b c', 'a b']), ['a', 'bc'])
})

test('merges from the left where a pair overlaps itself', () => {
  assert.deepEqual(merged('aaa', ['a a']), ['aa', 'a'])
})

test('goes on with what merging made', () => {
  assert.deepEqual(merged('abab', ['a b', 'ab ab']), ['abab'])
})

test('leaves sequences without a rule, of one symbol, and of none as they are', () => {
  assert.deepEqual(merged('abc', []), ['a', 'b', 'c'])
  assert.deepEqual(merged('a', ['a a']), ['a'])
  assert.deepEqual(mergeSymbols([], rulesOf([], [], true)), [])
})

test('lets a made pair with a better rank wait until the present rank is done, or not', () => {
  // "a b" is listed after "ab a", which no training makes: waiting merges both "ab" before "aba" is looked
  // at.
  assert.deepEqual(merged('abab', ['ab a', 'a b'], true), ['ab', 'ab'])
  assert.deepEqual(merged('abab', ['ab a', 'a b'], false), ['aba', 'b'])
})

test("gives what GPT-2's reference loop gives, for any list of merges", () => {
  const symbol = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 3 })
  const lists = fc.uniqueArray(
    fc.tuple(symbol, symbol).map((pair) => pair.join(' ')),
    { maxLength: 12 },
  )
  const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 30 })
  fc.assert(
    fc.property(texts, lists, (text, pairs) => assert.deepEqual(merged(text, pairs), reference(text, pairs))),
    {
      seed: 1,
      numRuns: 500,
    },
  )
})

/** All places of the best pair at once, from the left, until no pair is listed. */
function reference(text: string, pairs: readonly string[]): string[] {
  let word = [...text]
  for (;;) {
    const ranks = word.slice(1).map((right, i) => pairs.indexOf(`${word[i]} ${right}`))
    const best = Math.min(...ranks.filter((rank) => rank >= 0))
    if (!Number.isFinite(best)) return word
    const next: string[] = []
    for (let i = 0; i < word.length; i++) {
      const pair = `${word[i]} ${word[i + 1]}`
      next.push(pair === pairs[best] ? word[i]! + word[++i]! : word[i]!)
    }
    word = next
  }
}
