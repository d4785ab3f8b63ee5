import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { zeros } from '../tensor/tensor.ts'
import { compareKeys, requireKeys } from './check.ts'
import { checkpointOf } from './entries.ts'
import { editDistance, nearestKeys } from './nearest.ts'

const layers = (count: number, name: string): string[] =>
  Array.from({ length: count }, (_, i) => `layers.${i}.${name}`)

/** A checkpoint of vectors of two. */
function checkpointWith(keys: readonly string[]) {
  return checkpointOf('model', new Map(keys.map((key) => [key, zeros('f32', [2])])))
}

function expecting(keys: readonly string[], shape = [2]): Map<string, number[]> {
  return new Map(keys.map((key) => [key, shape]))
}

test('tells what is missing, left over and of another shape', () => {
  const expected = new Map([...expecting(['a', 'b']), ...expecting(['c'], [2, 1])])
  assert.deepEqual(compareKeys(expected, checkpointWith(['b', 'c', 'd'])), {
    missing: ['a'],
    unexpected: ['d'],
    misshaped: [{ key: 'c', expected: [2, 1], found: [2] }],
  })
})

test('returns the weights that are left over, grouped over the layers', () => {
  const found = requireKeys(expecting(['a']), checkpointWith(['a', ...layers(3, 'inv_freq'), 'x.0', 'x.2']))
  assert.deepEqual(
    found.map(({ pattern, keys }) => [pattern, keys.length]),
    [
      ['layers.{0..2}.inv_freq', 3],
      ['x.{0,2}', 2],
    ],
  )
})

test('reports everything that does not fit together, by layers, with the nearest names', () => {
  const expected = new Map([
    ...expecting(layers(24, 'attn.qkv.bias')),
    ...expecting(layers(24, 'norm.weight'), [4]),
  ])
  const checkpoint = checkpointWith([...layers(24, 'attn.qvk.bias'), ...layers(24, 'norm.weight')])
  assert.throws(
    () => requireKeys(expected, checkpoint),
    (error: Error & { code: string }) => {
      assert.equal(error.code, 'weights-do-not-fit')
      assert.match(
        error.message,
        /24 are missing:\n {2}layers\.\{0\.\.23\}\.attn\.qkv\.bias \(24\).*layers\.0\.attn\.qvk\.bias/,
      )
      assert.match(
        error.message,
        /24 have another shape:\n {2}layers\.\{0\.\.23\}\.norm\.weight \(24\) is \[2\], not \[4\]/,
      )
      return true
    },
  )
})

test('finds misspelt keys and keys of another prefix', () => {
  const keys = ['model.layers.0.mlp.up_proj.weight', 'model.layers.0.mlp.down_proj.weight', 'lm_head.weight']
  assert.equal(nearestKeys('model.layers.0.mlp.up_porj.weight', keys)[0], keys[0])
  assert.equal(nearestKeys('base.wrapped.inner.model.layers.0.mlp.down_proj.weight', keys)[0], keys[1])
  assert.deepEqual(nearestKeys('zzz', keys), [])
})

test('finds the nearest among thousands of keys', () => {
  const keys = Array.from({ length: 20 }, (_, part) =>
    layers(400, `block.part${part}.attention.weight`),
  ).flat()
  assert.equal(
    nearestKeys('layers.123.block.part7.atention.weight', keys)[0],
    'layers.123.block.part7.attention.weight',
  )
})

test('counts edits like the full table, up to its bound', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 9 })
  fc.assert(
    fc.property(word, word, fc.nat(9), (a, b, bound) => {
      assert.equal(editDistance(a, b, bound), Math.min(fullDistance(a, b), bound + 1))
    }),
    { seed: 3, numRuns: 1000 },
  )
})

function fullDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), row[j]! + 1, next[j - 1]! + 1))
    row = next
  }
  return row[b.length]!
}
