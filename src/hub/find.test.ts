import assert from 'node:assert/strict'
import { rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { CheckpointError } from '../tensor/errors.ts'
import { commitA, commitB, fakeHub, partialOf, sendThenCut } from './fake-hub.ts'
import { findModel } from './find.ts'
import { listModels } from './models.ts'
import { pullModel } from './pull.ts'

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((caught: unknown) => caught)
  assert.ok(error instanceof CheckpointError, String(error))
  return `${error.code}: ${error.message}`
}

test('finds a folder by its path and a pulled model by its id, revision or commit', async (t) => {
  const { cacheDir, options } = await fakeHub(t)
  const { folder } = await pullModel('acme/tiny', options)
  assert.equal((await findModel(cacheDir, options)).folder, cacheDir)
  const found = { folder, name: 'acme/tiny', id: 'acme/tiny', commit: commitA }
  assert.deepEqual(await findModel('acme/tiny', options), found)
  assert.deepEqual(await findModel('acme/tiny@main', options), found)
  assert.deepEqual(await findModel('acme/tiny@aaaaaaa', options), found)
})

test('says what to pull for a model that is not there', async (t) => {
  const { cacheDir, options } = await fakeHub(t)
  assert.match(
    await messageOf(findModel('acme/tiny', options)),
    /^model-not-pulled: .*panoptes pull acme\/tiny$/,
  )
  const pulled = await pullModel('acme/tiny', options)
  assert.match(
    await messageOf(findModel('ACME/Tiny', options)),
    /It has acme\/tiny\. Run: panoptes pull ACME/,
  )
  assert.match(
    await messageOf(findModel('acme/tiny@v2', options)),
    /another revision.*acme\/tiny@aaaaaaaaaaaa/,
  )

  await rm(join(cacheDir, 'models--acme--tiny', 'refs'), { recursive: true })
  await rm(join(pulled.folder, 'model.safetensors'))
  assert.match(await messageOf(findModel('acme/tiny', options)), /begun and not finished/)
})

test('tells a missing folder, a file and a malformed id apart', async (t) => {
  const { options } = await fakeHub(t)
  for (const path of ['./nowhere', '/nowhere/at/all', 'a/b/c', 'C:\\models']) {
    assert.match(await messageOf(findModel(path, options)), /^model-folder-missing/)
  }
  await assert.rejects(findModel(import.meta.filename, options), { code: 'model-not-a-folder' })
  await assert.rejects(findModel('org/na me', options), { code: 'model-id' })
  await assert.rejects(findModel('org/name@../../etc', options), { code: 'model-revision' })
})

test('lists what the cache has', async (t) => {
  const { cacheDir, options } = await fakeHub(t)
  assert.deepEqual(await listModels(options), [])
  const { folder, sizeBytes } = await pullModel('acme/tiny', options)
  await writeFile(join(cacheDir, 'version.txt'), '1')
  const [model, ...others] = await listModels(options)
  assert.equal(others.length, 0)
  assert.equal(model?.id, 'acme/tiny')
  assert.equal(model?.architecture, 'TinyVisionModel')
  assert.equal(model?.sizeBytes, sizeBytes)
  assert.ok(model?.lastUsed instanceof Date)
  assert.deepEqual(model?.revisions, [
    { commit: commitA, refs: ['main'], folder, sizeBytes, files: 3, isComplete: true, missing: [] },
  ])
})

test('names what an interrupted pull lacks', async (t) => {
  const { hub, cacheDir, options } = await fakeHub(t)
  hub.intercept = (request, response, body) => {
    if (!request.path.startsWith('/cdn/')) return false
    sendThenCut(request, response, body, 65_536, partialOf(cacheDir, body))
    return true
  }
  await assert.rejects(pullModel('acme/tiny', { ...options, retries: 0 }), { code: 'hub-unreachable' })
  const [model] = await listModels(options)
  assert.deepEqual(model?.revisions[0]?.missing, ['model.safetensors'])
  assert.deepEqual(model?.revisions[0]?.refs, [])
  assert.equal(model?.unfinishedBytes, 65_536)
})

test('judges a cache made by older tools, which keep no listing, by links and weight indexes', async (t) => {
  const { cacheDir, options } = await fakeHub(t)
  const { folder } = await pullModel('acme/tiny', options)
  const root = join(cacheDir, 'models--acme--tiny')
  await rm(join(root, 'trees'), { recursive: true })
  await rm(join(root, 'refs'), { recursive: true })
  await rename(folder, join(root, 'snapshots', commitB))
  const missing = async () => (await listModels(options))[0]?.revisions[0]?.missing
  assert.deepEqual(await missing(), [])
  const index = { weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model.safetensors' } }
  await writeFile(join(root, 'snapshots', commitB, 'model.safetensors.index.json'), JSON.stringify(index))
  await symlink('../../blobs/gone', join(root, 'snapshots', commitB, 'tokenizer.json'))
  assert.deepEqual(await missing(), ['tokenizer.json', 'model-00001-of-00002.safetensors'])
})
