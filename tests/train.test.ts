import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { chooseEngine } from '../src/runtime/default-engine.ts'
import { parseRecipe } from '../src/train/recipe.ts'
import { type StepLog, train } from '../src/train/trainer.ts'

// Whole runs of the fixture's recipe, in processes that are stopped as people and machines stop them. With two threads: kernels
// that add in whatever order threads finish would show in the gradients of the embeddings, whose ids repeat.

const root = resolve(import.meta.dirname, '..')
const recipePath = join(root, 'tests/fixtures/train/recipe.yaml')
const recipeText = await readFile(recipePath, 'utf8')
const folder = await mkdtemp(join(tmpdir(), 'panoptes-train-'))
after(() => rm(folder, { recursive: true }))

const compile = { engine: await chooseEngine(), device: 'cpu', threads: 2 } as const

/** The recipe with an output of its own. */
function recipeFor(name: string) {
  return { ...parseRecipe(recipeText, recipePath), output: join(folder, name) }
}

async function straightRun(): Promise<{ weights: Buffer; steps: StepLog[] }> {
  const steps: StepLog[] = []
  const { model } = await train(recipeFor('straight'), { compile, onStep: (step) => steps.push(step) })
  return { weights: await readFile(join(model, 'model.safetensors')), steps }
}

/** Runs the command until its log has a step that `isEnough`, then sends the signal; the exit status. */
async function runUntil(recipe: string, isEnough: (line: string) => boolean, signal: NodeJS.Signals) {
  const words = [join(root, 'bin/panoptes.js'), 'train', recipe, '--threads', '2']
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] })
  let rest = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    if (lines.some(isEnough)) child.kill(signal)
  })
  return new Promise<number | null>((done) => child.on('close', done))
}

test('a run that is killed in either stage and started again ends with the weights of one that was not', async () => {
  const { weights, steps } = await straightRun()
  const output = join(folder, 'killed')
  const moved = recipeText
    .replace(/^output: .*$/m, `output: ${output}`)
    .replace('../mini-monkey', join(root, 'tests/fixtures/mini-monkey'))
    .replaceAll('path: data.jsonl', `path: ${join(root, 'tests/fixtures/train/data.jsonl')}`)
    .replaceAll('images: ../../../examples', `images: ${join(root, 'examples')}`)
  const path = join(folder, 'moved.yaml')
  await writeFile(path, moved)
  await runUntil(path, (line) => line.startsWith('projector: step 4'), 'SIGKILL')
  await runUntil(path, (line) => line.startsWith('language: step 5'), 'SIGKILL')
  assert.equal(await runUntil(path, (line) => line.startsWith('language: step 4'), 'SIGINT'), 130)
  assert.equal(await runUntil(path, () => false, 'SIGINT'), 0)
  assert.deepEqual(await readFile(join(output, 'model/model.safetensors')), weights)
  const logged = (await readFile(join(output, 'log.jsonl'), 'utf8')).trim().split('\n')
  assert.deepEqual(
    logged.map((line) => JSON.parse(line).loss),
    steps.map(({ loss }) => loss),
  )
})

test('frozen weights leave a run as they came', async () => {
  const { checkpoint, before } = await (async () => {
    const [{ folderSource }, { openCheckpoint }] = await Promise.all([
      import('../src/checkpoint/folder.ts'),
      import('../src/checkpoint/open.ts'),
    ])
    const open = async (path: string) => openCheckpoint(await folderSource(path))
    return {
      checkpoint: await open(join(folder, 'straight/model')),
      before: await open(join(root, 'tests/fixtures/mini-monkey')),
    }
  })()
  const isSame = async (key: string): Promise<boolean> => {
    const [a, b] = await Promise.all([checkpoint.entry(key).read(), before.entry(key).read()])
    return Buffer.from(a.data.buffer).equals(Buffer.from(b.data.buffer))
  }
  assert.deepEqual(checkpoint.keys().sort(), before.keys().sort())
  assert.ok(await isSame('vision_model.encoder.layers.0.mlp.fc1.weight'))
  assert.ok(await isSame('language_model.output.weight'))
  assert.ok(!(await isSame('language_model.model.tok_embeddings.weight')))
})

test('a checkpoint that does not fit its configuration is refused before anything is trained', async () => {
  const model = join(folder, 'misfit')
  await cp(join(root, 'tests/fixtures/mini-monkey'), model, { recursive: true })
  const config = JSON.parse(await readFile(join(model, 'config.json'), 'utf8'))
  config.llm_config.vocab_size++
  await writeFile(join(model, 'config.json'), JSON.stringify(config))
  const recipe = { ...recipeFor('misfit-run'), model }
  await assert.rejects(train(recipe, { compile }), { code: 'weights-do-not-fit' })
})

test('another recipe in the same folder is refused', async () => {
  const other = { ...recipeFor('straight'), seed: 8 }
  await assert.rejects(train(other, { compile }), { code: 'run-other-recipe' })
})

test('every problem of a recipe is told with its line', () => {
  const broken = recipeText
    .replace('steps: 6', 'steps: -6')
    .replace('warmup: 1', 'warmups: 1')
    .replace('strategy: single', 'strategy: mosaic')
  assert.throws(() => parseRecipe(broken, 'r.yaml'), {
    code: 'recipe-invalid',
    message: /r\.yaml is no recipe:\n {2}line 7: stages\.0\.steps .*\n {2}line 11: .*warmups/,
  })
  assert.throws(() => parseRecipe(recipeText.replace('strategy: single', 'strategy: mosaic'), 'r.yaml'), {
    message: /line 14: .*mosaic/,
  })
  assert.throws(() => parseRecipe('stages: [', 'r.yaml'), { message: /line 1: / })
})
