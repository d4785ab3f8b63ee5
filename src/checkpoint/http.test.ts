import assert from 'node:assert/strict'
import test from 'node:test'
import { staticServer } from '../../tests/static-server.ts'
import { f32 } from '../tensor/tensor.ts'
import { httpSource } from './http.ts'
import { openCheckpoint } from './open.ts'
import { writeSafetensors } from './write-safetensors.ts'

const large = writeSafetensors(
  new Map([
    ['first', f32([30_000], new Float32Array(30_000).fill(1))],
    ['second', f32([2], [2, 3])],
  ]),
)
const files = new Map([
  ['models/tiny one/config.json', Buffer.from('{}')],
  ['models/tiny one/model.safetensors', Buffer.from(large)],
])

test('opens a checkpoint by one request a file and reads a weight by its part', async (t) => {
  const server = await staticServer(t, files)
  const checkpoint = await openCheckpoint(httpSource(`${server.url}models/tiny one`))
  const { data } = await checkpoint.entry('second').read()
  assert.deepEqual([...data], [2, 3])
  const opened = 'models/tiny one/model.safetensors bytes=0-65535'
  assert.equal(server.requests.filter((request) => request === opened).length, 1)
  assert.equal(
    server.requests.at(-1),
    `models/tiny one/model.safetensors bytes=${large.length - 8}-${large.length - 1}`,
  )
})

test('a server without ranges is asked for a large file once, and only when it is read', async (t) => {
  const server = await staticServer(t, files, { servesRanges: false })
  const source = httpSource(`${server.url}models/tiny one/`)
  assert.equal(await source.size('model.safetensors'), large.length)
  await Promise.all([
    source.readRange('model.safetensors', 0, 8),
    source.readRange('model.safetensors', 8, 8),
  ])
  assert.deepEqual(Buffer.from(await source.read('model.safetensors')), Buffer.from(large))
  const whole = 'models/tiny one/model.safetensors'
  assert.deepEqual(server.requests, [`${whole} bytes=0-65535`, whole])
})

test('lists the usual names that are there, whatever the server says of others', async (t) => {
  for (const options of [{}, { fallback: '<!doctype html><title>An application</title>' }]) {
    const server = await staticServer(t, files, options)
    const source = httpSource(`${server.url}models/tiny one`)
    assert.deepEqual(await source.list(), ['config.json', 'model.safetensors'])
    await assert.rejects(source.read('vocab.json'), { code: 'file-missing', message: /config\.json/ })
  }
})

test('an empty file has no bytes', async (t) => {
  const { url } = await staticServer(t, new Map([['empty.txt', Buffer.alloc(0)]]))
  const source = httpSource(url)
  assert.equal(await source.size('empty.txt'), 0)
  assert.deepEqual(await source.read('empty.txt'), new Uint8Array(0))
})

test('a file that is replaced while it is read is told', async (t) => {
  const served = new Map([['model.safetensors', Buffer.from(large)]])
  const source = httpSource((await staticServer(t, served)).url)
  await source.size('model.safetensors')
  served.set('model.safetensors', Buffer.from(large.subarray(0, 70_000)))
  await assert.rejects(source.readRange('model.safetensors', 69_000, 2000), {
    code: 'file-changed',
    message: /sent 1000 bytes/,
  })
})

test('an address that is none, a server that is down and a stop are told apart', async (t) => {
  assert.throws(() => httpSource('models/tiny'), { code: 'source-url' })
  assert.throws(() => httpSource('file:///models/tiny'), { code: 'source-url' })
  const { url } = await staticServer(t, files)
  const request = { signal: AbortSignal.abort() }
  await assert.rejects(httpSource(url, { request }).size('config.json'), { code: 'aborted' })
  const unreachable = httpSource('http://127.0.0.1:1/tiny') // no client connects to port 1
  await assert.rejects(unreachable.size('config.json'), {
    code: 'source-unreachable',
    message: /127\.0\.0\.1:1\/tiny\/config\.json cannot be read/,
  })
})
