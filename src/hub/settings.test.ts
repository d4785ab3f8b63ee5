import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseModelName } from './names.ts'
import { hubSettings } from './settings.ts'

test('finds the cache by the variables of the Hugging Face tools', () => {
  const cacheOf = (env: Record<string, string>) => hubSettings({ env }).cacheDir
  assert.equal(cacheOf({}), join(homedir(), '.cache/huggingface/hub'))
  assert.equal(cacheOf({ XDG_CACHE_HOME: '/x' }), '/x/huggingface/hub')
  assert.equal(cacheOf({ HF_HOME: '/h', XDG_CACHE_HOME: '/x' }), '/h/hub')
  assert.equal(cacheOf({ HF_HUB_CACHE: '/c', HF_HOME: '/h' }), '/c')
  assert.equal(cacheOf({ HF_HUB_CACHE: '', HF_HOME: '~/h' }), join(homedir(), 'h/hub'))
  assert.equal(hubSettings({ cacheDir: '/o', env: { HF_HUB_CACHE: '/c' } }).cacheDir, '/o')
})

test('takes the token from the option, the variable, then the file', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'panoptes-home-'))
  t.after(() => rm(home, { recursive: true }))
  await writeFile(join(home, 'token'), 'hf_file\n')
  assert.equal(hubSettings({ env: { HF_HOME: home } }).token, 'hf_file')
  assert.equal(hubSettings({ env: { HF_HOME: home, HF_TOKEN: 'hf_variable' } }).token, 'hf_variable')
  assert.equal(hubSettings({ token: 'hf_option', env: { HF_TOKEN: 'hf_variable' } }).token, 'hf_option')
  assert.equal(hubSettings({ token: '', env: { HF_HOME: home } }).token, undefined)
})

test('reads the endpoint and offline mode', () => {
  assert.equal(
    hubSettings({ env: { HF_ENDPOINT: 'https://mirror.example/' } }).endpoint,
    'https://mirror.example',
  )
  assert.throws(() => hubSettings({ env: { HF_ENDPOINT: 'mirror.example' } }), { code: 'hub-endpoint' })
  assert.equal(hubSettings({ env: { HF_HUB_OFFLINE: 'true' } }).isOffline, true)
  assert.equal(hubSettings({ env: { HF_HUB_OFFLINE: '0' } }).isOffline, false)
})

test('reads an id with and without a revision, and refuses what is neither', () => {
  assert.deepEqual(parseModelName('org/name@refs/pr/1'), { id: 'org/name', revision: 'refs/pr/1' })
  assert.deepEqual(parseModelName('gpt2'), { id: 'gpt2', revision: undefined })
  for (const id of ['', 'a/b/c', '../x', 'org/..', 'org--x/y', 'https://huggingface.co/a/b']) {
    assert.throws(() => parseModelName(id), { code: 'model-id' }, id)
  }
  for (const revision of ['', '/main', 'a/../b', 'a b']) {
    assert.throws(() => parseModelName(`org/name@${revision}`), { code: 'model-revision' }, revision)
  }
})
