import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRecipe } from './recipe.ts'
import { tilingOf } from './tilings.ts'

const ways = [{ strategy: 'single' }, { strategy: 'dynamic', maxTiles: 6 }, { strategy: 'msac' }] as const

test('of several tilings each sample is given one, always the same', () => {
  const drawn = Array.from({ length: 60 }, (_, i) => tilingOf(ways, { images: [`picture-${i}`] }))
  assert.deepEqual(new Set(drawn), new Set(ways))
  for (const [i, tiling] of drawn.entries())
    assert.equal(tilingOf(ways, { images: [`picture-${i}`] }), tiling)
  assert.equal(tilingOf(ways[1], { images: [] }), ways[1])
})

test('a recipe names one tiling or several, and each is checked', () => {
  const recipe = (tiling: string) =>
    `model: m
output: o
stages:
  - name: s
    steps: 1
    learningRate: 1e-3
    train: [{ match: x }]
    data: [{ path: d.jsonl }]
    tiling: ${tiling}`
  for (const tiling of [
    '{ strategy: single }',
    '[{ strategy: single }, { strategy: msac, preset: training }]',
  ])
    assert.ok(parseRecipe(recipe(tiling), 'r.yaml').stages[0]!.tiling)
  for (const [tiling, message] of [
    ['[]', /line 9: .*>=1 items/],
    ['round', /neither a strategy with its options nor a list of such/],
    ['[{ strategy: single }, { strategy: round }]', /line 9: .*round/],
  ] as const)
    assert.throws(() => parseRecipe(recipe(tiling), 'r.yaml'), message)
})
