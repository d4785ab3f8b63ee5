import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InputError } from '../tensor/errors.ts'
import { clipTokenizer } from './clip-fixture.test.ts'
import { checkLabels, fitQuery, queryBatch, queryTokens } from './owlv2-queries.ts'

const long = 'a very long label that goes on '.repeat(10).slice(0, 300)

test('puts start and end around the ids and pads with the id 0 under a mask of zeros', async () => {
  const tokenizer = await clipTokenizer()
  const { bosId, eosId } = tokenizer
  const blank = queryTokens(tokenizer, ' ', 5, 0)
  assert.deepEqual(blank, { ids: [bosId, eosId, 0, 0, 0], mask: [1, 1, 0, 0, 0] })
  const spaced = queryTokens(tokenizer, '  CAT   dog ', 16, 0)
  assert.deepEqual(spaced, queryTokens(tokenizer, 'cat dog', 16, 0))
})

test('refuses a label of 300 characters, and says how many tokens it has', async () => {
  const query = queryTokens(await clipTokenizer(), long, 16, 0)
  assert.ok(query.ids.length > 16)
  assert.throws(
    () => fitQuery(long, query, 16, 'refuse'),
    (error) =>
      error instanceof InputError &&
      error.code === 'label-too-long' &&
      error.data.tokens === query.ids.length - 2 &&
      error.data.limit === 14 &&
      error.message.length < 300,
  )
})

test('cuts a label where it is asked to, and keeps the end token', async () => {
  const tokenizer = await clipTokenizer()
  const query = queryTokens(tokenizer, long, 16, 0)
  const cut = fitQuery(long, query, 16, 'cut')
  assert.deepEqual(cut.ids, [...query.ids.slice(0, 15), tokenizer.eosId])
  assert.equal(cut.mask.length, 16)
  assert.deepEqual(queryBatch([cut]).ids.shape, [1, 16])
})

test('takes labels without the space around them, each once, and refuses blank ones', () => {
  assert.deepEqual(checkLabels([' cat', 'red umbrella', 'cat']), ['cat', 'red umbrella'])
  for (const [labels, code] of [
    [[], 'labels-missing'],
    [['cat', ' \t'], 'label-empty'],
  ] as const)
    assert.throws(() => checkLabels(labels), { code })
})
