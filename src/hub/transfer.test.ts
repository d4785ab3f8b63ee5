import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { CheckpointError } from '../tensor/errors.ts'
import { commitA, fakeHub, gitOid, partialOf, pattern, sendRange, sendThenCut, sha256 } from './fake-hub.ts'
import { type PullEvent, pullModel } from './pull.ts'

const weights = pattern(256 * 1024)

test('goes on where a connection broke, asking for the remaining bytes only', async (t) => {
  const { hub, cacheDir, options } = await fakeHub(t)
  hub.intercept = (request, response, body) => {
    if (!request.path.startsWith('/cdn/') || request.range) return false
    sendThenCut(request, response, body, 100_000, partialOf(cacheDir, body))
    return true
  }
  const offsets: number[] = []
  const pulled = await pullModel('acme/tiny', {
    ...options,
    onEvent: (event) => {
      if (event.type === 'retry') offsets.push(event.attempt)
    },
  })
  assert.deepEqual(offsets, [1])
  assert.deepEqual(await readFile(join(pulled.folder, 'model.safetensors')), weights)
  assert.equal(pulled.receivedBytes, pulled.sizeBytes, 'no byte came twice')
  assert.deepEqual(
    hub.contentRequests().filter((line) => line.startsWith('model.safetensors')),
    ['model.safetensors?signature=secret', 'model.safetensors?signature=secret bytes=100000-'],
  )
})

test('survives more cuts than it has retries, as long as each attempt brings bytes', async (t) => {
  const { hub, cacheDir, options } = await fakeHub(t)
  let cuts = 0
  hub.intercept = (request, response, body) => {
    if (!request.path.startsWith('/cdn/') || cuts === 8) return false
    cuts++
    sendThenCut(request, response, body, 20_000, partialOf(cacheDir, body))
    return true
  }
  const pulled = await pullModel('acme/tiny', { ...options, retries: 2 })
  assert.equal(pulled.receivedBytes, pulled.sizeBytes)
})

test('goes on after kill -9, with the lock that the dead process left', { timeout: 30_000 }, async (t) => {
  const { hub, cacheDir, options } = await fakeHub(t)
  hub.intercept = (request, response, body) => {
    if (!request.path.startsWith('/cdn/')) return false
    response.writeHead(200, { 'content-length': body.length })
    response.write(body.subarray(0, 131_072)) // and then silence
    return true
  }
  const script = `
    import { pullModel } from ${JSON.stringify(new URL('./pull.ts', import.meta.url).href)}
    await pullModel('acme/tiny', ${JSON.stringify({ ...options, parallel: 1 })})`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
  const ended = new Promise((done) => child.on('exit', done))
  const partial = partialOf(cacheDir, weights)
  const sizeOf = async () => (await readFile(partial).catch(() => Buffer.alloc(0))).length
  while ((await sizeOf()) < 131_072) await new Promise((done) => setImmediate(done))
  child.kill('SIGKILL')
  await ended
  assert.equal((await readdir(join(cacheDir, '.locks', 'models--acme--tiny'))).length, 1)

  hub.intercept = () => false
  hub.requests.length = 0
  const pulled = await pullModel('acme/tiny', options)
  assert.deepEqual(hub.contentRequests(), ['model.safetensors?signature=secret bytes=131072-'])
  assert.equal(pulled.receivedBytes, weights.length - 131_072)
  assert.deepEqual(await readFile(join(pulled.folder, 'model.safetensors')), weights)
  assert.deepEqual(await readdir(join(cacheDir, '.locks', 'models--acme--tiny')), [])
})

test('starts a file anew when the server ignores ranges', async (t) => {
  const { hub, cacheDir, options } = await fakeHub(t)
  await mkdir(join(cacheDir, 'models--acme--tiny', 'blobs'), { recursive: true })
  const partial = join(cacheDir, 'models--acme--tiny', 'blobs', `${sha256(weights)}.panoptes.incomplete`)
  await writeFile(partial, weights.subarray(0, 1000))
  hub.intercept = (request, response, body) => {
    if (!request.path.startsWith('/cdn/')) return false
    sendRange({ ...request, range: undefined }, response, body)
    return true
  }
  const pulled = await pullModel('acme/tiny', options)
  assert.deepEqual(await readFile(join(pulled.folder, 'model.safetensors')), weights)
})

test('drops a damaged partial file and fetches the content once more', async (t) => {
  const { cacheDir, options } = await fakeHub(t)
  const blobs = join(cacheDir, 'models--acme--tiny', 'blobs')
  await mkdir(blobs, { recursive: true })
  await writeFile(join(blobs, `${sha256(weights)}.panoptes.incomplete`), Buffer.alloc(5000))
  const restarts: string[] = []
  const onEvent = (event: PullEvent) => event.type === 'restart' && restarts.push(event.file)
  const pulled = await pullModel('acme/tiny', { ...options, onEvent })
  assert.deepEqual(restarts, ['model.safetensors'])
  assert.deepEqual(await readFile(join(pulled.folder, 'model.safetensors')), weights)
})

for (const [path, server, digest] of [
  ['model.safetensors', '/cdn/acme/tiny/', sha256],
  ['config.json', `/acme/tiny/resolve/${commitA}/`, gitOid],
] as const) {
  test(`keeps nothing of a payload with the wrong ${digest.name}`, async (t) => {
    const { hub, cacheDir, options } = await fakeHub(t)
    hub.intercept = (request, response, body) => {
      if (request.path.split('?', 1)[0] !== `${server}${path}`) return false
      sendRange(request, response, Buffer.alloc(body.length, 7))
      return true
    }
    await assert.rejects(pullModel('acme/tiny', options), (error) => {
      assert.ok(error instanceof CheckpointError)
      assert.equal(error.code, 'hub-checksum')
      assert.equal(error.data.path, path)
      return true
    })
    const root = join(cacheDir, 'models--acme--tiny')
    const expected = digest(hub.repositories.get('acme/tiny')?.files[path] ?? Buffer.alloc(0))
    assert.ok(!(await readdir(join(root, 'blobs'))).some((name) => name.startsWith(expected)))
    assert.ok(!(await readdir(root)).includes('refs'), 'main does not move to half a model')
  })
}

test('waits for another pull of the same model in place of fetching twice', async (t) => {
  const { hub, options } = await fakeHub(t)
  const both = await Promise.all([pullModel('acme/tiny', options), pullModel('acme/tiny', options)])
  assert.equal(both[0].folder, both[1].folder)
  assert.deepEqual(hub.contentRequests().toSorted(), [
    'config.json',
    'model.safetensors?signature=secret',
    'vocab.txt',
  ])
  assert.equal(both[0].receivedBytes + both[1].receivedBytes, both[0].sizeBytes)
})

test('makes a silent connection anew', async (t) => {
  const { hub, options } = await fakeHub(t)
  let isFirst = true
  hub.intercept = (request, response, body) => {
    if (!request.path.startsWith('/cdn/') || !isFirst) return false
    isFirst = false
    response.writeHead(200, { 'content-length': body.length }).write(body.subarray(0, 1000))
    return true
  }
  const pulled = await pullModel('acme/tiny', { ...options, stallTimeoutMs: 200 })
  assert.deepEqual(await readFile(join(pulled.folder, 'model.safetensors')), weights)
})

test('tries again after 503 and 429, and gives up in the end', async (t) => {
  const { hub, options } = await fakeHub(t)
  let busy = 2
  hub.intercept = (_, response) => {
    if (busy-- <= 0) return false
    response.writeHead(busy ? 503 : 429, { 'retry-after': '0' }).end()
    return true
  }
  const retries: string[] = []
  const onEvent = (event: PullEvent) => event.type === 'retry' && retries.push(event.reason)
  await pullModel('acme/tiny', { ...options, onEvent })
  assert.deepEqual(retries, ['HTTP 503', 'HTTP 429'])

  busy = Number.POSITIVE_INFINITY
  await assert.rejects(pullModel('acme/tiny', options), { code: 'hub-unreachable' })
})

test('says that the disk is full before it starts, and when it happens', async (t) => {
  const { hub, cacheDir, options } = await fakeHub(t)
  const huge = { type: 'file', path: 'model.safetensors', size: 2 ** 52, oid: commitA }
  hub.intercept = (request, response) => {
    if (!request.path.includes('/tree/')) return false
    response.writeHead(200).end(JSON.stringify([huge]))
    return true
  }
  await assert.rejects(pullModel('acme/tiny', options), (error) => {
    assert.ok(error instanceof CheckpointError)
    assert.equal(error.code, 'disk-full')
    assert.equal(error.data.neededBytes, 2 ** 52)
    return true
  })
  if (process.platform !== 'linux') return
  hub.intercept = () => false
  const partial = join(cacheDir, 'models--acme--tiny', 'blobs', `${sha256(weights)}.panoptes.incomplete`)
  await symlink('/dev/full', partial)
  await assert.rejects(pullModel('acme/tiny', options), { code: 'disk-full' })
})
