import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { CheckpointError } from '../tensor/errors.ts'
import { commitA, fakeHub, refuse } from './fake-hub.ts'
import { pullModel } from './pull.ts'

test('refuses a server that offers another file than the one listed', async (t) => {
  const { hub, options } = await fakeHub(t)
  hub.intercept = (request, response) => {
    if (!request.path.endsWith('/model.safetensors') || !request.path.includes('/resolve/')) return false
    response.writeHead(302, { 'x-linked-etag': `"${'0'.repeat(64)}"`, location: '/cdn/acme/tiny/x' }).end()
    return true
  }
  await assert.rejects(pullModel('acme/tiny', options), { code: 'hub-file-changed' })
})

test('gives the token to the hub and to nobody else', async (t) => {
  const { hub, options } = await fakeHub(t)
  const other = await fakeHub(t)
  hub.intercept = (request, response) => {
    if (!request.path.startsWith('/cdn/')) return false
    response.writeHead(302, { location: `${other.hub.endpoint}${request.path}` }).end()
    return true
  }
  await pullModel('acme/tiny', { ...options, token: 'secret' })
  assert.ok(hub.requests.every((request) => request.authorization === 'Bearer secret'))
  assert.deepEqual(
    other.hub.requests.map((request) => request.authorization),
    [undefined],
  )
})

test('explains a refusal by its cause', async (t) => {
  const { hub, options } = await fakeHub(t)
  const rejected = async (status: number, code: string, token = '') => {
    hub.intercept = (_, response) => {
      refuse(response, status, code)
      return true
    }
    const error = await pullModel('acme/tiny', { ...options, token }).catch((caught: unknown) => caught)
    assert.ok(error instanceof CheckpointError)
    return `${error.code}: ${error.message}`
  }
  assert.match(await rejected(401, 'GatedRepo'), /^hub-gated: .*accept the terms, then set HF_TOKEN/)
  assert.match(await rejected(403, 'GatedRepo', 'secret'), /^hub-gated: .*has not been granted access/)
  assert.match(await rejected(401, 'RepoNotFound'), /^hub-model-missing: .*no model acme\/tiny .*spelling/)
  assert.match(await rejected(401, '', 'secret'), /^hub-token-refused: (?!.*secret)/)
  assert.match(await rejected(451, ''), /^hub-refused: .*HTTP 451/)
  hub.intercept = () => false
  await assert.rejects(pullModel('acme/tinny', options), { code: 'hub-model-missing' })
  await assert.rejects(pullModel('acme/tiny@v9', options), (error) => {
    assert.ok(error instanceof CheckpointError)
    assert.equal(error.code, 'hub-revision-missing')
    assert.match(error.message, /no revision "v9"/)
    return true
  })
})

for (const path of ['../evil.json', '/etc/passwd', 'a/../../b', 'C:\\evil', 'a\\..\\b', 'a//b', 'D:x']) {
  test(`refuses a listing with a file named ${path}, writing nothing`, async (t) => {
    const { hub, cacheDir, options } = await fakeHub(t)
    hub.repositories.set('acme/evil', {
      commit: commitA,
      refs: { main: commitA, [commitA]: commitA },
      files: { [path]: Buffer.from('x') },
    })
    await assert.rejects(pullModel('acme/evil', options), { code: 'hub-file-name' })
    assert.deepEqual(await readdir(cacheDir), [])
  })
}

test('tells a page that is not a listing from a hub', async (t) => {
  const { hub, options } = await fakeHub(t)
  for (const answer of ['<html>Log in to the network</html>', 'null', '[]']) {
    hub.intercept = (_, response) => {
      response.writeHead(200).end(answer)
      return true
    }
    await assert.rejects(pullModel('acme/tiny', options), { code: 'hub-listing' }, answer)
  }
})

test('refuses a checksum that is a path', async (t) => {
  const { hub, options } = await fakeHub(t)
  hub.intercept = (request, response) => {
    if (!request.path.includes('/tree/')) return false
    const lfs = { oid: '../../../../evil', size: 1, pointerSize: 1 }
    response.writeHead(200).end(JSON.stringify([{ type: 'file', path: 'a', size: 1, oid: commitA, lfs }]))
    return true
  }
  await assert.rejects(pullModel('acme/tiny', options), { code: 'hub-listing' })
})
