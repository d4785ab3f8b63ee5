import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { chooseEngine, engineNames } from './default-engine.ts'

/** What a process of its own prints; `setup` is run before anything is imported. */
function inProcess(script: string, setup: string, env: Record<string, string> = {}): string {
  const module = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`
  const choose = `const { chooseEngine } = await import(${JSON.stringify(import.meta.resolve('./default-engine.ts'))})\n`
  const child = spawnSync(
    process.execPath,
    ['--import', module(setup), '--input-type=module', '--eval', choose + script],
    { encoding: 'utf8', env: { ...process.env, PANOPTES_ENGINE: '', ...env } },
  )
  return child.stdout + child.stderr
}

/** Makes the package that calls C functions impossible to load. */
const withoutKoffi = `
  import { registerHooks } from 'node:module'
  registerHooks({
    resolve(name, context, next) {
      if (name === 'koffi') throw new Error('koffi has no binary for this platform')
      return next(name, context)
    },
  })`

const printName = 'console.log((await chooseEngine()).name)'

test('the native binding is the default on the CPU, and the environment or a name chooses another', async () => {
  assert.equal(inProcess(printName, ''), 'native\n')
  assert.equal(inProcess(printName, '', { PANOPTES_ENGINE: 'onnxruntime-node' }), 'onnxruntime-node\n')
  assert.equal((await chooseEngine('onnxruntime-node')).name, 'onnxruntime-node')
  assert.equal((await chooseEngine(undefined, 'webgpu')).name, 'onnxruntime-node')
})

test('where koffi does not load the other binding serves, unless the native one is asked for', () => {
  assert.equal(inProcess(printName, withoutKoffi), 'onnxruntime-node\n')
  const told = inProcess(
    "await chooseEngine('native').catch((e) => console.log(e.code, e.message))",
    withoutKoffi,
  )
  assert.match(told, /^engine-unavailable .*koffi has no binary for this platform/)
})

test('an engine that does not exist is refused with those that do', async () => {
  await assert.rejects(chooseEngine('tensorrt'), {
    code: 'engine-unknown',
    message: "There is no engine 'tensorrt'. Use one of: native, onnxruntime-node.",
  })
})

test('no engine keeps anything about the machine or its models for telemetry', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'panoptes-home-'))
  t.after(() => rm(home, { recursive: true }))
  for (const name of engineNames) {
    const env = { PANOPTES_ENGINE: name, HOME: home, XDG_CACHE_HOME: home }
    assert.equal(inProcess(printName, '', env), `${name}\n`)
    assert.deepEqual(await readdir(home, { recursive: true }), [])
  }
})

test('native: a process may end while a run is under way', () => {
  const script = `
    const { Program } = await import(${JSON.stringify(import.meta.resolve('./program.ts'))})
    const { input } = await import(${JSON.stringify(import.meta.resolve('../graph/tensor.ts'))})
    const { matmul } = await import(${JSON.stringify(import.meta.resolve('../graph/ops/index.ts'))})
    const { zeros } = await import(${JSON.stringify(import.meta.resolve('../tensor/tensor.ts'))})
    const m = input('m', 'f32', [256, 256])
    let y = m
    for (let i = 0; i < 200; i++) y = matmul(y, m)
    const program = await Program.compile('slow', { y }, { engine: await chooseEngine('native'), device: 'cpu' })
    program.run({ m: zeros('f32', [256, 256]) })
    setImmediate(() => { console.log('bye'); process.exit(0) })`
  assert.equal(inProcess(script, ''), 'bye\n')
})
