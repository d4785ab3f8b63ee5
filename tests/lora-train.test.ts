import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import type { Checkpoint } from '../src/checkpoint/checkpoint.ts'
import { folderSource } from '../src/checkpoint/folder.ts'
import { openCheckpoint, openFile } from '../src/checkpoint/open.ts'
import { chooseEngine } from '../src/runtime/default-engine.ts'
import { parseRecipe } from '../src/train/recipe.ts'
import { train } from '../src/train/trainer.ts'

// Whole runs with LoRA on the fixture, and what they leave.

const root = resolve(import.meta.dirname, '..')
const fixture = join(root, 'tests/fixtures/mini-monkey')
const folder = await mkdtemp(join(tmpdir(), 'panoptes-lora-'))
after(() => rm(folder, { recursive: true }))
process.env.PANOPTES_CACHE = join(folder, 'cache')
const { load } = await import('../src/node.ts')

const compile = { engine: await chooseEngine(), device: 'cpu', threads: 1 } as const
const path = join(root, 'tests/fixtures/train/recipe-lora.yaml')
const text = await readFile(path, 'utf8')
const recipeFor = (name: string) => ({ ...parseRecipe(text, path), output: join(folder, name) })

const straight = await train(recipeFor('straight'), { compile })

async function tensors(checkpoint: Checkpoint): Promise<Map<string, Buffer>> {
  const read = checkpoint.keys().map(async (key) => {
    const { buffer, byteOffset, byteLength } = (await checkpoint.entry(key).read()).data
    return [key, Buffer.from(buffer, byteOffset, byteLength)] as const
  })
  return new Map(await Promise.all(read))
}

const [base, model] = await Promise.all(
  [fixture, straight.model].map(async (path) => tensors(await openCheckpoint(await folderSource(path)))),
)

test('a run that is stopped in its LoRA stage and started again leaves the same bytes', async () => {
  const recipe = recipeFor('stopped')
  for (const [stage, at] of [
    ['projector', 2],
    ['pairs', 3],
  ] as const) {
    const stop = new AbortController()
    const stopped = train(recipe, {
      compile,
      signal: stop.signal,
      onStep: (step) => step.stage === stage && step.step === at && stop.abort(),
    })
    await assert.rejects(stopped, { code: 'aborted' })
  }
  const resumed = await train(recipe, { compile })
  const files = (of: typeof resumed) =>
    Promise.all(
      [join(of.model, 'model.safetensors'), join(of.adapter!, 'adapter_model.safetensors')].map((path) =>
        readFile(path),
      ),
    )
  assert.deepEqual(await files(resumed), await files(straight))
})

test('the merged model differs from the base in the layers with pairs, and in what was trained whole', () => {
  const changed = [...base!.keys()].filter((key) => !base!.get(key)!.equals(model!.get(key)!))
  assert.deepEqual([...model!.keys()].sort(), [...base!.keys()].sort())
  assert.ok(changed.length === 8 + 6, changed.join())
  for (const key of changed) assert.match(key, /^mlp1|^language.*(wqkv|w2)\.weight$|^vision.*1\.mlp\.fc/)
})

test('the adapter lies in peft’s layout', async () => {
  const config = JSON.parse(await readFile(join(straight.adapter!, 'adapter_config.json'), 'utf8'))
  assert.deepEqual(
    [config.peft_type, config.r, config.lora_alpha, config.bias, config.base_model_name_or_path],
    ['LORA', 4, 8, 'none', fixture],
  )
  assert.deepEqual(config.modules_to_save, ['mlp1.0', 'mlp1.1', 'mlp1.3'])
  const file = await openFile(await folderSource(straight.adapter!), 'adapter_model.safetensors')
  const shape = (key: string) => file.entry(`base_model.model.${key}`).shape
  assert.deepEqual(shape('language_model.model.layers.2.attention.wqkv.lora_A.weight'), [4, 48])
  assert.deepEqual(shape('language_model.model.layers.2.attention.wqkv.lora_B.weight'), [96, 4])
  assert.deepEqual(shape('mlp1.3.bias'), [48])
  assert.equal(file.keys().length, 2 * 8 + 6)
})

test('the adapter on the base answers as the merged model', async () => {
  const answer = async (path: string, adapter?: string) => {
    const loaded = await load(path, { as: 'mini-monkey', threads: 1, adapter })
    const images = [join(root, 'examples/receipt.jpg')]
    const { answers } = await loaded.ask('What is it?', { images, maxNewTokens: 12 })
    await loaded.dispose()
    return answers[0]!.ids
  }
  assert.deepEqual(await answer(fixture, straight.adapter), await answer(straight.model))
})

test('a layer that has a pair and is trained whole makes no adapter, and says so', async () => {
  const notices: string[] = []
  const recipe = recipeFor('whole')
  const [, last] = recipe.stages
  const stage = { ...last!, steps: 1, train: [{ match: 'language_model.*' }] }
  const made = await train(
    { ...recipe, stages: [stage] },
    { compile, onNotice: (text) => notices.push(text) },
  )
  assert.equal(made.adapter, undefined)
  assert.match(notices.join(), /no adapter was written, for language_model.*wqkv has a pair/)
})

test('what a recipe says of LoRA is checked with its line', () => {
  const refused = (from: string, to: string, message: RegExp) =>
    assert.throws(() => parseRecipe(text.replace(from, to), 'r.yaml'), { code: 'recipe-invalid', message })
  const line = 1 + text.slice(0, text.indexOf('rank: 4')).split('\n').length - 1
  refused('alpha: 8', 'alpha: 8, dropout: 0.05', new RegExp(`line ${line}: .*dropout is not computed`))
  refused('rank: 4', 'rank: 0', new RegExp(`line ${line}: stages\\.1\\.lora\\.rank`))
  refused("targets: '", "targets: '(", /no regular expression/)
  refused('match: mlp1.*', 'match: mlp1.*, lora: 1', /lora/)
})
