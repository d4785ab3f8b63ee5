import assert from 'node:assert/strict'
import { test } from 'node:test'
import { syntheticSample } from '../data/synthetic/sample.ts'
import { parseRecipe } from './recipe.ts'
import { openSource } from './sample-source.ts'

/** A recipe with one source, on its eighth line. */
const recipeWith = (source: string) =>
  parseRecipe(
    `
model: m
output: o
stages:
  - name: s
    steps: 1
    data:
      - ${source}
    learningRate: 1
    train: [{ match: '*' }]
`,
    '/recipes/r.yaml',
  )

const sourceOf = (text: string) => recipeWith(text).stages[0]!.data[0]!

test('a synthetic source takes its kinds in turn and hands on their pixels and questions', async () => {
  const source = await openSource(
    sourceOf('{ synthetic: { kinds: [line, pie-chart], seed: 3, count: 50, questions: 2 } }'),
  )
  assert.equal(source.length, 50)
  const { record, pictures } = await source.read(7)
  const drawn = syntheticSample({ kind: 'pie-chart', seed: 3, index: 3, questions: 2 })
  assert.deepEqual(
    record.conversations.map(({ from }) => from),
    ['human', 'gpt', 'human', 'gpt'],
  )
  assert.equal(record.conversations[0]!.value, `<image>\n${drawn.questions[0]!.question}`)
  assert.equal(record.conversations[3]!.value, drawn.questions[1]!.answer)
  const [picture] = pictures
  const { width, height } = drawn
  assert.deepEqual([picture!.width, picture!.height], [width, height])
  const rgba = drawn.picture().pixels.data
  assert.ok(picture!.data.every((value, i) => value === rgba[i + Math.floor(i / 3)]))
})

test('a picture depends on nothing that was drawn before', async () => {
  const text = '{ synthetic: { kinds: [line] } }'
  const [one, other] = await Promise.all([openSource(sourceOf(text)), openSource(sourceOf(text))])
  await one.read(4)
  assert.deepEqual(await one.read(2), await other.read(2))
})

test('a recipe has no field that was not written, but for how a synthetic source counts', () => {
  assert.deepEqual(sourceOf('{ path: a.jsonl, weight: 2 }'), { weight: 2, path: '/recipes/a.jsonl' })
  assert.deepEqual(sourceOf('{ synthetic: { kinds: [sign] } }'), {
    synthetic: { kinds: ['sign'], seed: 0, count: 100_000 },
  })
})

test('problems of a source are told with their line', () => {
  const broken = (source: string, message: RegExp) =>
    assert.throws(() => recipeWith(source), { code: 'recipe-invalid', message })
  broken(
    '{ synthetic: { kinds: [line, words-] } }',
    /line 8: stages\.0\.data\.0\.synthetic\.kinds\.1 .*"sign"/,
  )
  broken('{ synthetic: { kinds: [] } }', /line 8: stages\.0\.data\.0\.synthetic\.kinds /)
  broken('{ synthetic: { kinds: [line], counts: 3 } }', /line 8: .*counts/)
  broken('{ synthetic: { kinds: [line] }, path: a.jsonl }', /line 8: .*path/)
  broken('{ weight: 2 }', /line 8: stages\.0\.data\.0\.path /)
})
