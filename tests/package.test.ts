import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { load } from '../src/node.ts'

const root = resolve(import.meta.dirname, '..')
const fixture = join(root, 'tests/fixtures/mini-monkey')
const picture = join(root, 'examples/chart-page.png')
const run = promisify(execFile)

/** A project elsewhere that has the packed package installed, its dependencies linked to the ones here. */
let project: string
before(async () => {
  project = await mkdtemp(join(tmpdir(), 'panoptes-project-'))
  const modules = join(project, 'node_modules')
  await mkdir(join(modules, 'panoptes'), { recursive: true })
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: root })
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  await run('tar', ['-xzf', filename, '--strip-components=1', '-C', 'node_modules/panoptes'], {
    cwd: project,
  })
  for (const name of await readdir(join(root, 'node_modules')))
    if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name))
})
after(() => rm(project, { recursive: true }))

test('the package answers in every Node of this machine, the oldest that it supports too', async () => {
  await writeFile(
    join(project, 'ask.mjs'),
    `import { load } from 'panoptes'
    const model = await load(${JSON.stringify(fixture)})
    const { text } = await model.ask('What?', { images: [${JSON.stringify(picture)}], maxNewTokens: 4 })
    console.log(JSON.stringify({ text, url: import.meta.resolve('panoptes/browser') }))
    await model.dispose()`,
  )
  const model = await load(fixture)
  const { text } = await model.ask('What?', { images: [picture], maxNewTokens: 4 })
  await model.dispose()
  for (const node of await nodes()) {
    const { stdout } = await run(node, ['ask.mjs'], { cwd: project })
    const found = JSON.parse(stdout) as { text: string; url: string }
    assert.equal(found.text, text, node)
    assert.match(found.url, /dist\/index\.js$/)
  }
})

test('a bundle for browsers takes nothing of Node', async () => {
  const { metafile, warnings } = await build({
    stdin: { contents: "export { load } from 'panoptes'", resolveDir: project },
    bundle: true,
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  assert.deepEqual(warnings, [])
  const packages = Object.keys(metafile.inputs).map(
    (path) => /.*node_modules\/(@[^/]+\/[^/]+|[^/]+)/.exec(path)?.[1],
  )
  assert.ok(packages.includes('onnxruntime-web'))
  assert.ok(!packages.includes('onnxruntime-node') && !packages.includes('sharp'))
})

/** The programs called node on the path, one a version. */
async function nodes(): Promise<string[]> {
  const byVersion = new Map<string, string>()
  for (const folder of new Set(process.env.PATH!.split(delimiter))) {
    const node = join(folder, 'node')
    const answer = await run(node, ['--version']).catch(() => undefined)
    if (answer) byVersion.set(answer.stdout, node)
  }
  return [...byVersion.values()]
}
