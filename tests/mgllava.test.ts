import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { checkpointOf } from '../src/checkpoint/entries.ts'
import { folderSource } from '../src/checkpoint/folder.ts'
import { memorySource } from '../src/checkpoint/memory.ts'
import { openCheckpoint } from '../src/checkpoint/open.ts'
import { writeSafetensors } from '../src/checkpoint/write-safetensors.ts'
import { llama, llamaConfig } from '../src/decoders/llama.ts'
import { clipVisionConfig } from '../src/encoders/clip-config.ts'
import { convNextConfig } from '../src/encoders/convnext-config.ts'
import { load, type NodeModel } from '../src/node.ts'
import { nodeEngine } from '../src/runtime/node-engine.ts'
import { mgLlavaConfig, mgLlavaShapes } from '../src/systems/mgllava-config.ts'
import { openSystem } from '../src/systems/registry.ts'
import { mgLlavaStages } from '../src/train/mgllava-training.ts'
import { parseRecipe } from '../src/train/recipe.ts'
import { train } from '../src/train/trainer.ts'
import { randomTensor } from './finite-differences.ts'

const root = resolve(import.meta.dirname, '..')
const fixtures = join(root, 'tests/fixtures')
const street = join(root, 'examples/street-sign.jpg')
const folder = await mkdtemp(join(tmpdir(), 'mgllava-'))
after(() => rm(folder, { recursive: true }))

const language = {
  ...{ architectures: ['LlamaForCausalLM'], model_type: 'llama', max_position_embeddings: 1000 },
  ...{ hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1, num_attention_heads: 2 },
  ...{ vocab_size: 600, rms_norm_eps: 1e-5 },
}
const clip = {
  ...{ hidden_size: 64, intermediate_size: 32, num_hidden_layers: 2, num_attention_heads: 1 },
  ...{ image_size: 28, patch_size: 14 },
}
const convNext = { depths: [1, 1, 1, 1], dims: [4, 6, 8, 10] }
const settings = { visual_encoder: clip, visual_encoder_aux: convNext, image_size_aux: 64 }
const shapes = mgLlavaShapes({
  config: mgLlavaConfig.parse({ ...settings, llm: language }),
  tower: clipVisionConfig.parse(clip),
  convNext: convNextConfig.parse(convNext),
  decoder: llama(llamaConfig.parse(language), { hasQkvBias: false, isPacked: false }),
})

async function weights(path: string, kept: (key: string) => boolean, strip = ''): Promise<void> {
  const own = Object.entries(shapes).filter(([key]) => kept(key))
  const tensors = new Map(
    own.map(([key, shape], i) => [key.slice(strip.length), randomTensor(shape, i + 1, -0.3, 0.3)]),
  )
  await writeFile(path, writeSafetensors(tensors))
}

/** The language model that the checkpoints name, with its tokenizer. */
async function languageModel(): Promise<void> {
  const path = join(folder, 'vicuna-tiny')
  await mkdir(path, { recursive: true })
  await cp(join(fixtures, 'mini-monkey/tokenizer.model'), join(path, 'tokenizer.model'))
  await writeFile(
    join(path, 'tokenizer_config.json'),
    '{"tokenizer_class": "LlamaTokenizer", "legacy": false}',
  )
  await writeFile(join(path, 'config.json'), JSON.stringify(language))
  await weights(join(path, 'model.safetensors'), (key) => key.startsWith('llm.'), 'llm.')
}

/** A checkpoint of either stage, beside its language model. */
async function checkpoint(name: string, stage: 1 | 2): Promise<string> {
  const path = join(folder, name)
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'config.json'), JSON.stringify({ ...settings, llm: 'lmsys/vicuna-tiny' }))
  await weights(join(path, 'model.safetensors'), (key) => stage === 2 || !key.startsWith('llm.'))
  return path
}

const objects = { tagger: join(fixtures, 'ram'), detector: join(fixtures, 'owlv2') }
const dog = { box: [10, 10, 200, 150], label: 'dog', score: 0.9 } as const

async function using<T>(path: string, use: (model: NodeModel) => Promise<T>): Promise<T> {
  const model = await load(path, { objects })
  try {
    return await use(model)
  } finally {
    await model.dispose()
  }
}

test('a first-stage checkpoint takes its language model and tokenizer from where they are published', async () => {
  const path = await checkpoint('stage-1', 1)
  await assert.rejects(load(path), {
    code: 'companion-missing',
    message: /its language model, published apart as lmsys\/vicuna-tiny: panoptes pull lmsys\/vicuna-tiny/,
  })
  await languageModel()
  await using(path, async (model) => {
    const { tokens, pictures, layout, question } = await model.ask('What is it?', {
      images: [street],
      boxes: [[dog, { box: [300, 0, 400, 90], label: 'sign', score: 0.5 }]],
      maxNewTokens: 2,
    })
    assert.equal(question, '<image>\nWhat is it?')
    assert.equal(tokens.visual, 4 + 2)
    assert.deepEqual(pictures[0]!.objects!.labels, ['dog', 'sign'])
    assert.deepEqual(
      layout.spans.map(({ start, end, object }) => [end - start, object]),
      [
        [4, undefined],
        [1, 0],
        [1, 1],
      ],
    )
  })
})

test('a published checkpoint has no config.json: its weights tell the system and the language model', async () => {
  const fusion = randomTensor([2, 2, 1, 1], 1)
  const tensors = new Map([['fuse_module.slow_conv.weight', fusion]])
  // Sizes of Phi-3-mini without its 190 MB: the file is refused before any value is read.
  tensors.set('llm.model.embed_tokens.weight', { ...fusion, shape: [32064, 3072], data: new Float32Array(0) })
  const source = memorySource('published', new Map())
  const checkpoint = checkpointOf('published', tensors)
  const opened = openSystem(
    { source, checkpoint, config: {} },
    { compile: { engine: nodeEngine, device: 'cpu' } },
  )
  await assert.rejects(opened, {
    code: 'companion-missing',
    data: {
      parts: ['vision tower', 'high-resolution encoder'],
      ids: [
        'openai/clip-vit-large-patch14-336',
        'laion/CLIP-convnext_large_d_320.laion2B-s29B-b131K-ft-soup',
      ],
      commands: [
        'panoptes pull openai/clip-vit-large-patch14-336',
        'panoptes pull laion/CLIP-convnext_large_d_320.laion2B-s29B-b131K-ft-soup',
      ],
    },
  })
})

test('without boxes they are found, with false there are none, and both change the answer’s tokens', async () => {
  const path = await checkpoint('stage-2', 2)
  await languageModel()
  await using(path, async (model) => {
    const ask = (options: object) => model.ask('What?', { images: [street], maxNewTokens: 1, ...options })
    const none = await ask({ boxes: false })
    assert.equal(none.tokens.visual, 4 + 1) // a picture without objects has one token for none
    assert.deepEqual(none.pictures[0]!.objects!.labels, [])
    const found = await ask({})
    assert.ok(found.pictures[0]!.objects!.labels.length >= 1)
    assert.equal(found.tokens.visual, 4 + found.pictures[0]!.objects!.boxes.length)
    await assert.rejects(ask({ boxes: [[{ box: [Number.NaN, 0, 1, 1] }]] }), { code: 'box-not-finite' })
    await assert.rejects(ask({ tiling: { strategy: 'dynamic' } }), { code: 'option-without-effect' })
    const thousand = Array.from({ length: 1000 }, (_, i) => ({
      box: [i, 0, i + 1, 1] as const,
      label: 'x'.repeat(300),
    }))
    const limited = await ask({ boxes: [thousand] })
    assert.equal(limited.pictures[0]!.objects!.boxes.length, 20)
  })
})

test('a chat keeps the boxes of its pictures; a video is eight frames with theirs', async () => {
  const path = await checkpoint('stage-2', 2)
  await languageModel()
  await using(path, async (model) => {
    const chat = model.chat({ maxNewTokens: 1 })
    await chat.ask('What?', { images: [street], boxes: [[dog]] })
    const second = await chat.ask('And now?')
    assert.deepEqual(second.pictures[0]!.objects!.labels, ['dog'])
    const video = await model.ask('<video>\nWhat happens?', {
      images: [street, street],
      boxes: [[dog], []],
      maxNewTokens: 1,
    })
    assert.equal(video.pictures.length, 8)
    assert.equal(video.tokens.visual, 8 * (4 + 1))
  })
})

test('two stages train fusion and projectors, then the language model, and leave a whole checkpoint', async () => {
  const path = await checkpoint('stage-0', 1)
  await languageModel()
  const found = { boxes: [dog.box], labels: ['dog'], scores: [0.9] }
  const ask = { from: 'human', value: '<image>\nWhat is it?' }
  const answer = { from: 'gpt', value: 'A dog.' }
  const records = [
    { image: 'street-sign.jpg', objects: found, conversations: [ask, answer] },
    { conversations: [{ from: 'human', value: 'Who?' }, answer] },
  ]
  await writeFile(join(folder, 'data.json'), JSON.stringify(records))
  const stage = (name: string, number: 1 | 2) => ({
    ...{ name, steps: 2, batchSize: 2, learningRate: 1e-3, maxNorm: 1 },
    train: mgLlavaStages[number].map(({ match }) => ({ match: [...match] })),
    data: [{ path: 'data.json', images: join(root, 'examples') }],
  })
  const recipe = { model: path, output: 'trained', stages: [stage('fusion', 1), stage('all', 2)] }
  const losses: number[] = []
  const trained = await train(parseRecipe(JSON.stringify(recipe), join(folder, 'recipe.yaml')), {
    compile: { engine: nodeEngine, device: 'cpu' },
    onStep: ({ loss }) => losses.push(loss),
  })
  assert.equal(losses.length, 4)
  assert.ok(losses[3]! < losses[0]!, losses.join(' '))
  const result = await openCheckpoint(await folderSource(trained.model))
  const before = await openCheckpoint(await folderSource(path))
  const changed = async (key: string): Promise<boolean> => {
    const [now, then] = await Promise.all([result.entry(key).read(), before.entry(key).read()])
    return now.data.join() !== then.data.join()
  }
  assert.ok(await changed('fuse_module.gate.0.weight'))
  assert.ok(!(await changed('visual_encoder.vision_model.pre_layrnorm.weight')))
  assert.ok(result.has('llm.model.embed_tokens.weight') && !before.has('llm.model.embed_tokens.weight'))
  await cp(join(folder, 'vicuna-tiny'), join(trained.model, 'vicuna-tiny'), { recursive: true })
  await using(trained.model, async (model) => {
    const { tokens } = await model.ask('What?', { images: [street], boxes: [[dog]], maxNewTokens: 1 })
    assert.equal(tokens.visual, 5)
  })
})

test('detectors that are not there are named, with what can be done without them', async () => {
  const path = await checkpoint('stage-2', 2)
  await languageModel()
  const model = await load(path, { objects: { tagger: '/nowhere/ram', detector: objects.detector } })
  await assert.rejects(model.ask('What?', { images: [street] }), {
    code: 'object-finder-missing',
    message: /found by a tagger and a detector: There is no folder \/nowhere\/ram.*go without them/s,
  })
  await model.dispose()
})

test('the command line reads box files and says what the model was told', async () => {
  const path = await checkpoint('stage-2', 2)
  await languageModel()
  const file = join(folder, 'boxes.json')
  await writeFile(file, JSON.stringify([dog]))
  const main = join(root, 'src/cli/main.ts')
  const run = promisify(execFile)
  const words = [main, 'ask', street, 'What?', '--model', path, '--max-new-tokens', '1']
  const { stdout } = await run(process.execPath, [...words, '--boxes', file, '--json'])
  const report = JSON.parse(stdout) as { pictures: [{ objects: object[] }] }
  assert.deepEqual(Object.keys(report.pictures[0].objects[0]!), ['label', 'box'])
  const without = await run(process.execPath, [...words, '--no-boxes'])
  assert.match(without.stderr, /0 objects/)
  const monkey = words.with(5, join(fixtures, 'mini-monkey'))
  const refused = await run(process.execPath, [...monkey, '--boxes', file]).catch(
    (error: { stderr: string }) => error,
  )
  assert.match(refused.stderr, /Boxes are for MG-LLaVA; the model is mini-monkey/)
  await writeFile(file, '[{"box": [900, 900, 4000, 20]}]')
  const reversed = await run(process.execPath, [...words, '--boxes', file]).catch(
    (error: { stderr: string }) => error,
  )
  assert.match(reversed.stderr, /right or bottom edge comes before/)
  assert.equal((await readFile(file, 'utf8')).length, 31)
})
