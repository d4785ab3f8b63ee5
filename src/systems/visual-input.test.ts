import assert from 'node:assert/strict'
import { test } from 'node:test'
import { f32 } from '../tensor/tensor.ts'
import { selectTokens, writeVisualTokens } from './visual-input.ts'

test('visual tokens replace their placeholders in order, however many stand together', async () => {
  const picture = Array(300).fill(7)
  const ids = [1, 7, 2, ...picture, 3, ...picture, 7]
  const embeddings = f32(
    [1, ids.length, 2],
    ids.flatMap((id) => [id, id]),
  )
  const features = f32(
    [602, 2],
    Array.from({ length: 1204 }, (_, i) => 1000 + i),
  )
  await writeVisualTokens(embeddings, features, ids, 7)
  let next = 1000
  const expected = ids.flatMap((id) => (id === 7 ? [next++, next++] : [id, id]))
  assert.deepEqual([...embeddings.data], expected)
  const chosen = await selectTokens(embeddings, [0, 1, 604])
  assert.deepEqual([...chosen.data], [1, 1, 1000, 1001, 2202, 2203])
})
