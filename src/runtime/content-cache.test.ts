import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AbortError } from '../tensor/errors.ts'
import { ContentCache } from './content-cache.ts'

/** A cache of texts as large as they are long, which counts what is computed. */
function counted(maxBytes: number) {
  const cache = new ContentCache<string>(maxBytes, (text) => text.length)
  const computed: string[] = []
  const get = (key: string, value = key) =>
    cache.get(key, async () => {
      computed.push(key)
      return value
    })
  return { cache, computed, get }
}

test('computes a key once, also when it is asked for while it is computed', async () => {
  const { computed, get } = counted(10)
  assert.deepEqual(await Promise.all([get('a'), get('a')]), ['a', 'a'])
  await get('a')
  assert.deepEqual(computed, ['a'])
})

test('gives up what was used longest ago when the limit is passed', async () => {
  const { cache, computed, get } = counted(6)
  for (const key of ['aa', 'bb', 'cc', 'aa', 'dd']) await get(key)
  assert.deepEqual([cache.size, cache.sizeBytes], [3, 6])
  await get('aa')
  await get('bb')
  assert.deepEqual(computed, ['aa', 'bb', 'cc', 'dd', 'bb'])
})

test('gives a result larger than the limit and keeps the others', async () => {
  const { cache, get } = counted(3)
  await get('aa')
  assert.equal(await get('b', 'too large'), 'too large')
  assert.deepEqual([cache.size, cache.sizeBytes], [1, 2])
})

test('does not keep a failure', async () => {
  const { cache, get } = counted(3)
  await assert.rejects(
    cache.get('a', () => Promise.reject(new Error('no memory'))),
    /no memory/,
  )
  assert.equal(await get('a'), 'a')
})

test('work that its first asker stops is done for the others', async () => {
  const { cache, computed, get } = counted(3)
  const stopped = cache.get('a', () => Promise.reject(new AbortError('aborted', 'Stopped.')))
  const waiting = [get('a'), get('a')]
  await assert.rejects(stopped, AbortError)
  assert.deepEqual([await Promise.all(waiting), computed], [['a', 'a'], ['a']])
})
