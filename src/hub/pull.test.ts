import assert from 'node:assert/strict'
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { AbortError, CheckpointError } from '../tensor/errors.ts'
import { commitA, commitB, fakeHub, gitOid, pattern, sha256 } from './fake-hub.ts'
import { type PullEvent, pullModel } from './pull.ts'

const weights = pattern(256 * 1024)

test('puts a model into the layout of the Hugging Face cache', async (t) => {
  const { options, cacheDir } = await fakeHub(t)
  const events: PullEvent[] = []
  const pulled = await pullModel('acme/tiny', { ...options, onEvent: (event) => events.push(event) })

  const root = join(cacheDir, 'models--acme--tiny')
  assert.equal(pulled.folder, join(root, 'snapshots', commitA))
  assert.deepEqual(pulled.files, ['config.json', 'tokenizer/vocab.txt', 'model.safetensors'])
  assert.deepEqual(pulled.skipped, ['pytorch_model.bin', 'modeling_tiny.py', '.gitattributes'])
  assert.equal(await readFile(join(root, 'refs', 'main'), 'utf8'), commitA)
  assert.deepEqual(await readFile(join(pulled.folder, 'model.safetensors')), weights)
  assert.equal(
    await readlink(join(pulled.folder, 'model.safetensors')),
    `../../blobs/${sha256(weights)}`,
    'large files are named by their SHA-256',
  )
  const vocabulary = Buffer.from('a\nb\n')
  assert.equal(
    await readlink(join(pulled.folder, 'tokenizer/vocab.txt')),
    `../../../blobs/${gitOid(vocabulary)}`,
    'small files are named by their git blob SHA-1',
  )
  assert.equal((await readdir(join(root, 'blobs'))).length, 3, 'nothing unfinished stays')
  const tree = JSON.parse(await readFile(join(root, 'trees', `${commitA}.json`), 'utf8'))
  assert.equal(tree.files['model.safetensors'].lfs_sha256, sha256(weights))

  const last = events.findLast((event) => event.type === 'progress')
  assert.equal(last?.doneBytes, pulled.sizeBytes)
  assert.equal(last?.totalBytes, pulled.sizeBytes)
  assert.equal(pulled.receivedBytes, pulled.sizeBytes)
})

test('fetches nothing again that is in the cache', async (t) => {
  const { hub, options } = await fakeHub(t)
  await pullModel('acme/tiny', options)
  const before = hub.contentRequests().length
  assert.equal((await pullModel('acme/tiny', options)).receivedBytes, 0)
  assert.equal(hub.contentRequests().length, before)
})

test('takes a tag, a branch with a slash and a commit', async (t) => {
  const { hub, cacheDir, options } = await fakeHub(t)
  const repository = hub.repositories.get('acme/tiny')
  assert.ok(repository)
  repository.refs = { ...repository.refs, 'refs/pr/1': commitB, [commitB]: commitB }
  assert.equal((await pullModel('acme/tiny@refs/pr/1', options)).commit, commitB)
  const refs = join(cacheDir, 'models--acme--tiny', 'refs')
  assert.equal(await readFile(join(refs, 'refs/pr/1'), 'utf8'), commitB)
  assert.equal((await pullModel('acme/tiny', { ...options, revision: commitA })).commit, commitA)
  assert.deepEqual(await readdir(refs), ['refs'], 'a commit needs no reference')
})

test('reads damaged files in the cache when asked to verify', async (t) => {
  const { hub, options } = await fakeHub(t)
  const { folder } = await pullModel('acme/tiny', options)
  await writeFile(join(folder, 'model.safetensors'), Buffer.alloc(weights.length))
  hub.requests.length = 0
  await pullModel('acme/tiny', { ...options, verify: true })
  assert.deepEqual(await readFile(join(folder, 'model.safetensors')), weights)
  assert.deepEqual(hub.contentRequests(), ['model.safetensors?signature=secret'])
})

test('stops at the signal, and the next pull finishes', async (t) => {
  const { hub, cacheDir, options } = await fakeHub(t)
  const stop = new AbortController()
  hub.intercept = (request, response, body) => {
    if (!request.path.startsWith('/cdn/')) return false
    response.writeHead(200, { 'content-length': body.length })
    response.write(body.subarray(0, 65_536), () => stop.abort())
    return true
  }
  await assert.rejects(pullModel('acme/tiny', { ...options, signal: stop.signal }), (error) => {
    assert.ok(error instanceof AbortError)
    assert.equal(error.code, 'aborted')
    return true
  })
  assert.deepEqual(await readdir(join(cacheDir, '.locks', 'models--acme--tiny')), [])
  hub.intercept = () => false
  const { folder } = await pullModel('acme/tiny', options)
  assert.deepEqual(await readFile(join(folder, 'model.safetensors')), weights)
})

test('offline, gives a complete snapshot without a request and says what else to do', async (t) => {
  const { hub, options } = await fakeHub(t)
  const offline = { ...options, env: { HF_HUB_OFFLINE: '1' } }
  await assert.rejects(pullModel('acme/tiny', offline), (error) => {
    assert.ok(error instanceof CheckpointError)
    assert.equal(error.code, 'hub-offline')
    assert.match(error.message, /not in the cache.*panoptes pull acme\/tiny$/)
    return true
  })
  const { folder } = await pullModel('acme/tiny', options)
  hub.requests.length = 0
  assert.equal((await pullModel('acme/tiny', offline)).folder, folder)
  assert.equal(hub.requests.length, 0)
})

test('takes exactly what include names', async (t) => {
  const { options } = await fakeHub(t)
  const pulled = await pullModel('acme/tiny', {
    ...options,
    include: ['*.bin', 'tokenizer/'],
    exclude: ['*.txt'],
  })
  assert.deepEqual(pulled.files, ['pytorch_model.bin'])
  await assert.rejects(pullModel('acme/tiny', { ...options, include: ['*.gguf'] }), {
    code: 'hub-nothing-selected',
  })
})

test('names the cache folder that it cannot write to', async (t) => {
  const { options, cacheDir } = await fakeHub(t)
  await writeFile(join(cacheDir, 'file'), '')
  await assert.rejects(pullModel('acme/tiny', { ...options, cacheDir: join(cacheDir, 'file') }), {
    code: 'cache-not-writable',
  })
})
