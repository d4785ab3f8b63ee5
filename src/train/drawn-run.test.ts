import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { chooseEngine } from '../runtime/default-engine.ts'
import { parseRecipe } from './recipe.ts'
import { type StepLog, train } from './trainer.ts'

const fixtures = resolve(import.meta.dirname, '../../tests/fixtures')
const compile = { engine: await chooseEngine(), device: 'cpu', threads: 1 } as const

test('a run on drawn and stored pictures that is stopped ends with the weights of one that was not', async () => {
  const recipe = parseRecipe(
    `
model: ${join(fixtures, 'mini-monkey')}
output: replaced
stages:
  - name: projector
    steps: 5
    batchSize: 2
    learningRate: 1e-2
    train: [{ match: 'mlp1.*' }]
    data:
      - { path: ${join(fixtures, 'train/data.jsonl')}, images: ${resolve(fixtures, '../../examples')} }
      - { synthetic: { kinds: [line], count: 40 }, weight: 15 }
    tiling: { strategy: single }
    saveEvery: 2
`,
    'recipe.yaml',
  )
  const folder = await mkdtemp(join(tmpdir(), 'panoptes-drawn-'))
  const run = async (name: string, stopAfter?: number): Promise<Buffer> => {
    const abort = new AbortController()
    const onStep = ({ step }: StepLog) => step === stopAfter && abort.abort()
    const output = join(folder, name)
    const { model } = await train({ ...recipe, output }, { compile, signal: abort.signal, onStep })
    return readFile(join(model, 'model.safetensors'))
  }
  try {
    const weights = await run('straight')
    await assert.rejects(run('stopped', 3), { code: 'aborted' })
    assert.deepEqual(await run('stopped'), weights)
  } finally {
    await rm(folder, { recursive: true })
  }
})
