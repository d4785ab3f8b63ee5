import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { checkpointOf } from '../checkpoint/entries.ts'
import { f32 } from '../tensor/tensor.ts'
import { keptWeights, pruneWeights } from './prune-weights.ts'
import { diskStore } from './weight-cache.ts'
import { usedWeights, useWeight, withUsedWeights } from './weight-uses.ts'

const root = await mkdtemp(join(tmpdir(), 'panoptes-prune-'))
const children: ChildProcess[] = []
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(root, { recursive: true })
})
let count = 0
let cache = ''
beforeEach(() => {
  cache = join(root, `cache ${count++}`)
})

/** Kept weights of 100 bytes each, the first unused for longest. */
async function keep(...names: string[]): Promise<void> {
  await mkdir(cache, { recursive: true })
  for (const [hour, name] of names.entries()) {
    await writeFile(join(cache, `${name}.safetensors`), new Uint8Array(100))
    await utimes(join(cache, `${name}.safetensors`), 1e9 + hour * 3600, 1e9 + hour * 3600)
  }
}

async function kept(): Promise<string[]> {
  return (await keptWeights(cache)).files.map(({ name }) => name.replace('.safetensors', ''))
}

/** Another process that uses a weight until it is killed. */
async function processUsing(name: string): Promise<ChildProcess> {
  const uses = pathToFileURL(join(import.meta.dirname, 'weight-uses.ts')).href
  const script =
    `import { useWeight } from ${JSON.stringify(uses)}\n` +
    `await useWeight(${JSON.stringify(cache)}, ${JSON.stringify(`${name}.safetensors`)})\n` +
    `process.stdout.write('used')\nsetInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  await once(child.stdout!, 'data')
  return child
}

test('what was used longest ago goes first, until the rest fits', async () => {
  await keep('a', 'b', 'c', 'd')
  assert.deepEqual(await pruneWeights(cache, 400), { removedFiles: 0, removedBytes: 0, keptBytes: 400 })
  assert.deepEqual(await pruneWeights(cache, 250), { removedFiles: 2, removedBytes: 200, keptBytes: 200 })
  assert.deepEqual(await kept(), ['c', 'd'])
})

test('what a running process uses stays, until the process is gone', async () => {
  await keep('a', 'b', 'c')
  await useWeight(cache, 'a.safetensors')
  const other = await processUsing('b')
  assert.deepEqual(await pruneWeights(cache, 0), { removedFiles: 1, removedBytes: 100, keptBytes: 200 })
  assert.deepEqual(await kept(), ['a', 'b'])
  other.kill('SIGKILL')
  await once(other, 'exit')
  await pruneWeights(cache, 0)
  assert.deepEqual(await kept(), ['a'])
  assert.deepEqual([...(await usedWeights(cache))].filter(Boolean), ['a.safetensors'])
})

test('a process that ends leaves nothing behind, and one elsewhere that is silent for a day is gone', async () => {
  await keep('a')
  const uses = `${cache}.uses`
  await mkdir(uses)
  await writeFile(join(uses, 'x.uses'), '{"pid":1,"machine":"elsewhere"}\na.safetensors\n')
  await pruneWeights(cache, 0)
  assert.deepEqual(await kept(), ['a'])
  await utimes(join(uses, 'x.uses'), 1e9, 1e9)
  await pruneWeights(cache, 0)
  assert.deepEqual(await kept(), [])
  assert.deepEqual(await readdir(uses), [])
})

test('who begins to use a weight waits until nobody removes any', async () => {
  await keep('a')
  const order: string[] = []
  let beginning: Promise<unknown> | undefined
  await withUsedWeights(cache, async (used) => {
    assert.equal(used.size, 0)
    beginning = useWeight(cache, 'a.safetensors').then(() => order.push('used'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    await rm(join(cache, 'a.safetensors'))
    order.push('removed')
  })
  await beginning
  assert.deepEqual(order, ['removed', 'used'])
})

test('a store keeps within its limit by what others have left, and marks what it uses', async () => {
  const weight = (name: string) =>
    checkpointOf('c', new Map([[name, f32([4, 32], Array(128).fill(1))]])).entry(name)
  await keep('old', 'older than nothing')
  await diskStore(cache, 1e6).get(weight('mine'), 'int8')
  const { files, sizeBytes } = await keptWeights(cache)
  assert.equal(files.length, 3)
  const path = join(cache, files.at(-1)!.name)
  await utimes(path, 1e9 - 1, 1e9 - 1)
  // Its own weight is now unused for longest, and in use.
  await diskStore(cache, sizeBytes).get(weight('mine'), 'int8')
  assert.ok((await stat(path)).mtimeMs > 1e12 + 1)
  await diskStore(cache, sizeBytes).get(weight('next'), 'int8')
  assert.deepEqual((await kept()).map((name) => name.split('-')[0]).sort(), ['mine', 'next'])
})
