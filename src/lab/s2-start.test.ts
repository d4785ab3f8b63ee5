import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { folderSource } from '../checkpoint/folder.ts'
import { openCheckpoint } from '../checkpoint/open.ts'
import { load } from '../model/load-node.ts'
import { chooseEngine } from '../runtime/default-engine.ts'
import { parseRecipe } from '../train/recipe.ts'
import { train } from '../train/trainer.ts'
import { writeS2Start } from './s2-start.ts'

const root = resolve(import.meta.dirname, '../..')
const fixture = join(root, 'tests/fixtures/mini-monkey')
const receipt = join(root, 'examples/receipt.jpg')
const folder = await mkdtemp(join(tmpdir(), 'panoptes-s2-'))
after(() => rm(folder, { recursive: true }))
const start = join(folder, 'start')
await writeS2Start(await folderSource(fixture), start, [28, 84])

test('the smallest scale keeps the projector’s weights, the other begins with zeros', async () => {
  const read = async (path: string, key: string) =>
    (await (await openCheckpoint(await folderSource(path))).entry(key).read()) as { data: Float32Array }
  const [before, after] = await Promise.all([fixture, start].map((path) => read(path, 'mlp1.1.weight')))
  assert.equal(after!.data.length, 2 * before!.data.length)
  const sum = (data: Float32Array) => data.reduce((total, value) => total + Math.abs(value), 0)
  assert.ok(Math.abs(sum(after!.data) - sum(before!.data)) < 1e-3)
})

test('a picture of many crops has the tokens of one tile, and no other tiling is taken', async () => {
  const model = await load(start)
  try {
    const answer = await model.ask('What?', { images: [receipt], maxNewTokens: 2 })
    assert.equal(answer.pictures[0]!.plan.tiles.length, 10)
    assert.equal(answer.tokens.visual, 4)
    assert.deepEqual(
      answer.layout.spans.map(({ tile, start, end }) => [tile, end - start]),
      [[0, 4]],
    )
    const other = model.ask('What?', { images: [receipt], tiling: { strategy: 'dynamic' } })
    await assert.rejects(other, { code: 'tiling-needs-projector' })
  } finally {
    await model.dispose()
  }
})

test('training under S2 moves the weights of every scale, and the result loads', async () => {
  const recipe = {
    model: start,
    output: join(folder, 'run'),
    stages: [
      {
        ...{
          name: 's2',
          steps: 3,
          batchSize: 2,
          warmup: 0,
          learningRate: 1e-2,
          train: [{ match: 'mlp1.*' }],
        },
        data: [{ path: join(root, 'tests/fixtures/train/data.jsonl'), images: join(root, 'examples') }],
      },
    ],
  }
  const made = await train(parseRecipe(JSON.stringify(recipe), join(folder, 'recipe.json')), {
    compile: { engine: await chooseEngine(), device: 'cpu' },
  })
  const { data } = (await (
    await openCheckpoint(await folderSource(made.model))
  )
    .entry('mlp1.1.weight')
    .read()) as {
    data: Float32Array
  }
  assert.ok(data.every((value) => value !== 0))
  const model = await load(made.model)
  await model.ask('What?', { images: [receipt], maxNewTokens: 2 })
  await model.dispose()
})
