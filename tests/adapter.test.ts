import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { folderSource } from '../src/checkpoint/folder.ts'
import { openCheckpoint } from '../src/checkpoint/open.ts'
import { writeSafetensors } from '../src/checkpoint/write-safetensors.ts'
import { toFloat32 } from '../src/tensor/half.ts'
import type { HostTensor } from '../src/tensor/tensor.ts'
import { randomTensor } from './finite-differences.ts'

// A whole model with an adapter that is merged at load, beside the same model merged by hand.

const fixture = resolve(import.meta.dirname, 'fixtures/mini-monkey')
const receipt = resolve(import.meta.dirname, '../examples/receipt.jpg')
const root = await mkdtemp(join(tmpdir(), 'panoptes-adapter-'))
after(() => rm(root, { recursive: true }))
process.env.PANOPTES_CACHE = join(root, 'cache')
const { load } = await import('../src/node.ts')

const checkpoint = await openCheckpoint(await folderSource(fixture))
const modules = checkpoint
  .keys()
  .filter((key) => /(wqkv|w2|attn\.qkv|mlp1\.1)\.weight$/.test(key))
  .map((key) => key.replace(/\.weight$/, ''))
const [rank, alpha] = [3, 12]

/** The tensors of an adapter and of the model with it. */
async function made(seed: number) {
  const pairs = new Map<string, HostTensor>()
  const merged = new Map<string, HostTensor>()
  for (const key of checkpoint.keys()) merged.set(key, await checkpoint.entry(key).read())
  for (const [i, module] of modules.entries()) {
    const weight = toFloat32(merged.get(`${module}.weight`)!)
    const [rows, columns] = weight.shape as [number, number]
    const a = randomTensor([rank, columns], seed + 2 * i, -0.3, 0.3)
    const b = randomTensor([rows, rank], seed + 2 * i + 1, -0.3, 0.3)
    pairs.set(`base_model.model.${module}.lora_A.weight`, a)
    pairs.set(`base_model.model.${module}.lora_B.weight`, b)
    const sum = Float32Array.from(weight.data, (value, at) => {
      const [row, column] = [Math.floor(at / columns), at % columns]
      let product = 0
      for (let r = 0; r < rank; r++) product += b.data[row * rank + r]! * a.data[r * columns + column]!
      return value + (alpha / rank) * product
    })
    merged.set(`${module}.weight`, { ...weight, data: sum })
  }
  return { pairs, merged }
}

async function adapterFolder(name: string, seed: number): Promise<string> {
  const folder = join(root, name)
  await mkdir(folder)
  const config = { peft_type: 'LORA', r: rank, lora_alpha: alpha, target_modules: modules, bias: 'none' }
  await writeFile(join(folder, 'adapter_config.json'), JSON.stringify(config))
  await writeFile(join(folder, 'adapter_model.safetensors'), writeSafetensors((await made(seed)).pairs))
  return folder
}

async function mergedFolder(name: string, seed: number): Promise<string> {
  const folder = join(root, name)
  await mkdir(folder)
  for (const file of await readdir(fixture)) await copyFile(join(fixture, file), join(folder, file))
  await writeFile(join(folder, 'model.safetensors'), writeSafetensors((await made(seed)).merged))
  return folder
}

type Options = NonNullable<Parameters<typeof load>[1]>

async function idsOf(model: string, options: Options = {}): Promise<readonly number[]> {
  const loaded = await load(model, { as: 'mini-monkey', threads: 1, ...options })
  try {
    const answer = await loaded.ask('What is it?', { images: [receipt], maxNewTokens: 12 })
    return answer.answers[0]!.ids
  } finally {
    await loaded.dispose()
  }
}

const [adapter, other] = [await adapterFolder('adapter', 1), await adapterFolder('other', 1000)]
const merged = await mergedFolder('merged', 1)

for (const precision of ['fp32', 'int8', 'int4'] as const)
  test(`a model with an adapter answers as the merged model does (${precision}), and another adapter otherwise`, async () => {
    const plain = await idsOf(fixture, { precision })
    const adapted = await idsOf(fixture, { precision, adapter })
    assert.notDeepEqual(adapted, plain)
    assert.deepEqual(adapted, await idsOf(merged, { precision }))
    assert.notDeepEqual(await idsOf(fixture, { precision, adapter: other }), adapted)
    // From the cache, in which the weights of all four lie side by side now.
    assert.deepEqual(await idsOf(fixture, { precision, adapter }), adapted)
    assert.deepEqual(await idsOf(fixture, { precision }), plain)
  })

test('what is seen of a picture is kept apart from what the plain model sees', async () => {
  const visualCacheDir = join(root, 'seen')
  const plain = await idsOf(fixture, { visualCacheDir })
  assert.notDeepEqual(await idsOf(fixture, { visualCacheDir, adapter }), plain)
  assert.equal((await readdir(visualCacheDir)).length, 2)
})

test('a folder without an adapter is told before anything is compiled', async () => {
  await assert.rejects(load(fixture, { adapter: fixture }), { code: 'adapter-missing' })
  await assert.rejects(load(fixture, { adapter: join(root, 'none') }), { code: 'folder-missing' })
})
