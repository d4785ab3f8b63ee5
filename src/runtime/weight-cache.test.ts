import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import type { WeightEntry } from '../checkpoint/checkpoint.ts'
import { checkpointOf } from '../checkpoint/entries.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { openCheckpoint } from '../checkpoint/open.ts'
import { writeSafetensors } from '../checkpoint/write-safetensors.ts'
import { f32ToBf16 } from '../tensor/half.ts'
import { f32, type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { cacheFolder, cacheLimitBytes } from './cache-settings.ts'
import { diskStore } from './weight-cache.ts'

const root = await mkdtemp(join(tmpdir(), 'panoptes-cache-'))
after(() => rm(root, { recursive: true }))
let count = 0
let cache = ''
beforeEach(() => {
  cache = join(root, `cache ${count++}`)
})

const [N, K] = [20, 150]
const values = (step: number): number[] => Array.from({ length: N * K }, (_, i) => Math.sin(i * step))

/** The weight `w` of a checkpoint on disk. */
async function weightOnDisk(name: string, tensor: HostTensor): Promise<WeightEntry> {
  const folder = join(root, name)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'model.safetensors'), writeSafetensors(new Map([['w', tensor]])))
  return (await openCheckpoint(await folderSource(folder))).entry('w')
}

/** When each file of the cache was written: a file that is made again has another time. */
async function filesOfCache(): Promise<Record<string, number>> {
  const names = (await readdir(cache)).sort()
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, (await stat(join(cache, name))).mtimeMs] as const)),
  )
}

test('every float type gives the same quantised weight, transposed with a scale a column', async () => {
  const narrow = f32ToBf16(Float32Array.from(values(0.7)))
  const asBf16 = await weightOnDisk('bf16', hostTensor('bf16', [N, K], narrow))
  const wide = Float32Array.from(narrow, (half) => new Float32Array(Uint32Array.of(half << 16).buffer)[0]!)
  const asF32 = await weightOnDisk('f32', f32([N, K], wide))
  const inMemory = checkpointOf('memory', new Map([['w', f32([N, K], wide)]])).entry('w')
  const store = diskStore(cache)
  const results = []
  for (const entry of [asBf16, asF32, inMemory]) {
    const { values, scales } = await store.get(entry, 'int8')
    results.push({ values: await values.read(), scales: await scales.read() })
  }
  const { values: q, scales } = results[0]!
  assert.deepEqual(q.shape, [K, N])
  for (let n = 0; n < N; n++)
    for (let k = 0; k < K; k++) {
      const error = Math.abs(wide[n * K + k]! - Number(scales.data[n]) * Number(q.data[k * N + n]))
      assert.ok(error <= Number(scales.data[n]) * 0.5001)
    }
  assert.deepEqual(results[1], results[0])
  assert.deepEqual(results[2], results[0])
})

test('a weight is quantised once for all stores and processes', async () => {
  const entry = await weightOnDisk('once', f32([N, K], values(0.3)))
  await diskStore(cache).get(entry, 'int4')
  const first = await filesOfCache()
  await diskStore(cache).get(entry, 'int4')
  assert.deepEqual(await filesOfCache(), first)
  await diskStore(cache).get(entry, 'int8')
  assert.equal(Object.keys(await filesOfCache()).length, 2)
})

test('a checkpoint that was changed in place is quantised anew', async () => {
  const store = diskStore(cache)
  const before = await store.get(await weightOnDisk('changed', f32([N, K], values(0.3))), 'int8')
  const entry = await weightOnDisk('changed', f32([N, K], values(0.4)))
  const after = await store.get(entry, 'int8')
  assert.notDeepEqual(await after.values.read(), await before.values.read())
})

test('the same bytes at another time count as changed, since only their ends are looked at', async () => {
  const entry = await weightOnDisk('touched', f32([N, K], values(0.3)))
  await diskStore(cache).get(entry, 'int8')
  await utimes(join(root, 'touched', 'model.safetensors'), 1, 1)
  await diskStore(cache).get(entry, 'int8')
  assert.equal(Object.keys(await filesOfCache()).length, 2)
})

test('a computed weight is known by what it is made of and how, and computed once', async () => {
  const [base, pair] = [
    await weightOnDisk('base', f32([N, K], values(0.3))),
    await weightOnDisk('pair', f32([1], [2])),
  ]
  let reads = 0
  const merged = (how: string, from: readonly WeightEntry[]): WeightEntry => ({
    ...{ key: 'w', dtype: 'f32', shape: [N, K], computed: { how, from } },
    async read() {
      reads++
      return f32([N, K], values(0.4))
    },
  })
  const entry = merged('twice', [base, pair])
  const placed = await diskStore(cache).placed!(entry)
  assert.deepEqual((await placed.read()).data, Float32Array.from(values(0.4)))
  assert.ok(placed.place, 'the engine can map it')
  await diskStore(cache).get(entry, 'int8')
  assert.equal(reads, 2)
  await diskStore(cache).placed!(entry)
  await diskStore(cache).get(entry, 'int8')
  assert.equal(reads, 2)
  await diskStore(cache).get(merged('thrice', [base, pair]), 'int8')
  await diskStore(cache).get(merged('twice', [base, await weightOnDisk('other', f32([1], [3]))]), 'int8')
  await diskStore(cache).get(base, 'int8')
  assert.equal(reads, 4)
  assert.equal(Object.keys(await filesOfCache()).length, 5)
})

test('damaged and foreign files are made again', async () => {
  const entry = await weightOnDisk('damaged', f32([N, K], values(0.3)))
  const good = await diskStore(cache).get(entry, 'int8')
  const expected = [await good.values.read(), await good.scales.read()]
  const path = join(cache, Object.keys(await filesOfCache())[0]!)
  const whole = await readFile(path)
  const damages = [
    () => truncate(path, whole.byteLength - 1),
    () => truncate(path, 0),
    () => writeFile(path, 'not a weight'),
    () => writeFile(path, writeSafetensors(new Map([['values', f32([1], [1])]]))),
  ]
  for (const damage of damages) {
    await damage()
    const again = await diskStore(cache).get(entry, 'int8')
    assert.deepEqual([await again.values.read(), await again.scales.read()], expected)
    assert.deepEqual(await readFile(path), whole)
  }
})

test('what dies half way leaves no file under a weight’s name, and old remains are removed', async () => {
  const entry = await weightOnDisk('dying', f32([N, K], values(0.3)))
  const { place } = entry
  const source = { ...place!.source, readRange: failAfter(3, place!.source.readRange) }
  const dying: WeightEntry = { ...entry, place: { ...place!, source } }
  await assert.rejects(diskStore(cache).get(dying, 'int8'), { message: 'the disk is gone' })
  assert.deepEqual(await filesOfCache(), {})
  await writeFile(join(cache, 'w-int8.part'), 'half a weight')
  await diskStore(cache).get(entry, 'int8')
  assert.equal(Object.keys(await filesOfCache()).length, 2, 'another process may still be writing it')
  await utimes(join(cache, 'w-int8.part'), 1, 1)
  await diskStore(cache).get(entry, 'int8')
  assert.equal(Object.keys(await filesOfCache()).length, 1)
})

test('a folder that cannot be written is told with the way out', async () => {
  const entry = await weightOnDisk('unwritable', f32([N, K], values(0.3)))
  await writeFile(cache, 'a file')
  await assert.rejects(diskStore(cache).get(entry, 'int8'), {
    code: 'cache-unwritable',
    message: /PANOPTES_CACHE/,
  })
})

test('the folder is PANOPTES_CACHE, else in XDG_CACHE_HOME, else in the home folder', () => {
  assert.equal(cacheFolder({ PANOPTES_CACHE: '/c', XDG_CACHE_HOME: '/x' }), '/c')
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/x' }), join('/x', 'panoptes'))
  assert.match(cacheFolder({}), /\.cache.panoptes$/)
})

test('the limit is PANOPTES_CACHE_GB gigabytes, 20 by default, and nothing else', () => {
  assert.equal(cacheLimitBytes({ PANOPTES_CACHE_GB: ' 0.5 ' }), 5e8)
  assert.equal(cacheLimitBytes({}), 2e10)
  for (const found of ['0', '-1', 'much', '20GB', 'Infinity'])
    assert.throws(() => cacheLimitBytes({ PANOPTES_CACHE_GB: found }), {
      code: 'option-value',
      data: { found },
    })
})

function failAfter<A extends unknown[], R>(
  calls: number,
  f: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  let made = 0
  return async (...args) => {
    if (++made >= calls) throw new Error('the disk is gone')
    return f(...args)
  }
}
