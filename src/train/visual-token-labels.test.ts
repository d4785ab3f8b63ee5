import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IGNORED } from '../text/labels.ts'
import { labelVisualTokens } from './visual-token-labels.ts'

const picture = 99
const _ = IGNORED
const end = 7

test('what follows each visual token is its own token of the answer that has one for each', () => {
  const inputIds = [1, picture, picture, 5, 40, end, 5, 30, 31, end]
  const labels = [_, _, _, _, 40, end, _, 30, 31, end]
  assert.deepEqual(labelVisualTokens({ inputIds, labels }, picture), [_, _, 30, 31, 40, end, _, 30, 31, end])
})

test('a sample whose answers have another length, or without a picture, keeps its labels', () => {
  const labels = [_, _, _, _, 30, end]
  assert.deepEqual(
    labelVisualTokens({ inputIds: [1, picture, picture, 5, 30, end], labels }, picture),
    labels,
  )
  assert.deepEqual(labelVisualTokens({ inputIds: [1, 2, 3, 5, 30, end], labels }, picture), labels)
})
