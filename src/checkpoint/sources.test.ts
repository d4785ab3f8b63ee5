import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, before, type TestContext } from 'node:test'
import { staticServer } from '../../tests/static-server.ts'
import { fileListSource } from './file-list.ts'
import type { FileSource } from './files.ts'
import { folderSource } from './folder.ts'
import { httpSource } from './http.ts'
import { memorySource } from './memory.ts'

let root: string
before(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'panoptes-folder-')))
  await mkdir(join(root, 'model/text'), { recursive: true })
  await mkdir(join(root, 'blobs'))
  await writeFile(join(root, 'blobs/1f3a'), 'weights')
  await writeFile(join(root, 'model/config.json'), '{}')
  await writeFile(join(root, 'model/text/vocab.txt'), 'a\nb\n')
  await symlink('../blobs/1f3a', join(root, 'model/model.safetensors'))
})
after(() => rm(root, { recursive: true }))

const files = new Map([
  ['config.json', Buffer.from('{}')],
  ['model.safetensors', Buffer.from('weights')],
  ['text/vocab.txt', Buffer.from('a\nb\n')],
])
const chosen = [...files].map(([path, bytes]) =>
  Object.defineProperty(new File([bytes], path.split('/').at(-1)!), 'webkitRelativePath', {
    value: `model/${path}`,
  }),
)
const paths = [...files.keys()]
const sources: [string, (t: TestContext) => FileSource | Promise<FileSource>][] = [
  ['a folder', () => folderSource(join(root, 'model'))],
  ['memory', () => memorySource('a page', files)],
  ["a page's chosen folder", () => fileListSource(chosen)],
  ['a server', async (t) => httpSource((await staticServer(t, files)).url, { files: paths })],
  [
    'a server without ranges',
    async (t) => httpSource((await staticServer(t, files, { servesRanges: false })).url, { files: paths }),
  ],
]
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

for (const [name, make] of sources) {
  test(`${name} lists and reads its files`, async (t) => {
    const source = await make(t)
    assert.deepEqual(await source.list(), ['config.json', 'model.safetensors', 'text/vocab.txt'])
    assert.equal(await source.has('text/vocab.txt'), true)
    assert.equal(await source.has('text'), false)
    assert.equal(await source.size('model.safetensors'), 7)
    assert.equal(text(await source.read('text/vocab.txt')), 'a\nb\n')
    assert.equal(text(await source.readRange('model.safetensors', 2, 3)), 'igh')
  })

  test(`${name} says which file is missing and which is too short`, async (t) => {
    const source = await make(t)
    await assert.rejects(source.size('gone'), { code: 'file-missing', message: /text\/vocab\.txt/ })
    await assert.rejects(source.read('gone'), { code: 'file-missing' })
    await assert.rejects(source.readRange('gone', 0, 1), { code: 'file-missing' })
    await assert.rejects(source.readRange('config.json', 1, 2), {
      code: 'file-truncated',
      message: /has 2 bytes/,
    })
  })
}

test("follows the links of a hub cache to the file's real path", async () => {
  const source = await folderSource(join(root, 'model'))
  assert.equal(await source.localPath('model.safetensors'), join(root, 'blobs/1f3a'))
  await assert.rejects(source.localPath('gone'), { code: 'file-missing' })
  assert.equal(await memorySource('a page', files).localPath('config.json'), undefined)
})

test('refuses paths that leave the folder', async () => {
  const source = await folderSource(join(root, 'model'))
  for (const path of ['../blobs/1f3a', 'text/../../blobs/1f3a', '/etc/hostname', '..\\blobs', 'a\0b', ''])
    await assert.rejects(async () => source.read(path), { code: 'file-path' }, path)
})

test('says that a folder is missing, or is a file', async () => {
  await assert.rejects(folderSource(join(root, 'absent')), { code: 'folder-missing', message: /no folder/ })
  await assert.rejects(folderSource(join(root, 'model/config.json')), {
    code: 'folder-missing',
    message: /is a file/,
  })
})
