import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { folderSource } from '../src/checkpoint/folder.ts'
import { openCheckpoint } from '../src/checkpoint/open.ts'
import { writeSafetensors } from '../src/checkpoint/write-safetensors.ts'
import { llama, llamaConfig } from '../src/decoders/llama.ts'
import { clipVisionConfig, clipVitShapes } from '../src/encoders/clip-config.ts'
import { prefixShapes, type Shapes } from '../src/graph/weights.ts'
import { decodeImage } from '../src/image/decode.ts'
import { load } from '../src/node.ts'
import { nodeEngine } from '../src/runtime/node-engine.ts'
import { llavaConfig, llavaShapes } from '../src/systems/llava-config.ts'
import { llavaTemplate } from '../src/systems/llava15.ts'
import { parseRecipe } from '../src/train/recipe.ts'
import { train } from '../src/train/trainer.ts'
import { randomTensor } from './finite-differences.ts'

const root = resolve(import.meta.dirname, '..')
const receipt = join(root, 'examples/receipt.jpg')
const street = join(root, 'examples/street-sign.jpg')
const folder = await mkdtemp(join(tmpdir(), 'llava-'))
after(() => rm(folder, { recursive: true }))

const clip = { hidden_size: 64, intermediate_size: 32, num_hidden_layers: 2, num_attention_heads: 1 }
const tower = clipVisionConfig.parse({ ...clip, image_size: 28, patch_size: 14 })
const language = {
  ...{ hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1, num_attention_heads: 2 },
  ...{ vocab_size: 600, max_position_embeddings: 1000, rms_norm_eps: 1e-5 },
}
const published = {
  architectures: ['LlavaLlamaForCausalLM'],
  model_type: 'llava_llama',
  mm_vision_tower: 'openai/clip-tiny-patch14-28',
  mm_projector_type: 'mlp2x_gelu',
  image_aspect_ratio: 'pad',
  ...language,
}

/** A checkpoint folder with random weights and the fixture's tokenizer. */
async function checkpoint(
  name: string,
  config: object,
  leavesOut: RegExp,
  extra: Shapes = {},
): Promise<string> {
  const path = join(folder, name)
  const decoder = llama(llamaConfig.parse(language), { hasQkvBias: false, isPacked: false })
  const shapes = { ...llavaShapes(llavaConfig.parse(config), tower, decoder), ...extra }
  await cp(join(root, 'tests/fixtures/mini-monkey/tokenizer.model'), join(path, 'tokenizer.model'))
  await writeFile(
    join(path, 'tokenizer_config.json'),
    '{"tokenizer_class": "LlamaTokenizer", "legacy": false}',
  )
  await writeFile(join(path, 'config.json'), JSON.stringify(config))
  await weights(join(path, 'model.safetensors'), shapes, leavesOut)
  return path
}

async function weights(path: string, shapes: Shapes, leavesOut = /^$/): Promise<void> {
  const kept = Object.entries(shapes).filter(([key]) => !leavesOut.test(key))
  const tensors = new Map(kept.map(([key, shape], i) => [key, randomTensor(shape, i + 1, -0.3, 0.3)]))
  await writeFile(path, writeSafetensors(tensors))
}

test('the vision tower comes from the folder beside the model, or the error says what to pull', async () => {
  const path = await checkpoint('llava-v1.5-tiny', published, /vision_tower/)
  await assert.rejects(load(path), {
    code: 'companion-missing',
    message:
      /its vision tower, published apart as openai\/clip-tiny-patch14-28: panoptes pull openai\/clip-tiny/,
  })
  const beside = join(folder, 'clip-tiny-patch14-28')
  await mkdir(beside)
  await writeFile(join(beside, 'config.json'), JSON.stringify({ model_type: 'clip', vision_config: tower }))
  await weights(join(beside, 'model.safetensors'), {
    ...prefixShapes('vision_model', clipVitShapes(tower)),
    'text_model.final_layer_norm.weight': [3],
  })
  const notices: string[] = []
  const model = await load(path, {
    onEvent: (event) => event.phase === 'notice' && notices.push(event.message),
  })
  const answer = await model.ask('What?', { images: [receipt], maxNewTokens: 3 })
  assert.equal(answer.tokens.visual, 4)
  assert.equal(answer.question, '<image>\nWhat?')
  assert.deepEqual(notices, [])
  await model.dispose()
})

test('a tower of its own goes before the published one; any-res shows tiles, rows and newlines', async () => {
  const config = {
    ...published,
    image_aspect_ratio: 'anyres',
    mm_patch_merge_type: 'spatial_unpad',
    image_grid_pinpoints: '[[28, 56], [56, 28], [56, 56]]',
  }
  const path = await checkpoint('llava-v1.6-tiny', config, /^$/)
  const model = await load(path)
  const { layout, pictures, tokens } = await model.ask('Compare.', {
    images: [receipt, street],
    maxNewTokens: 2,
  })
  assert.equal(pictures[0]!.plan.strategy, 'anyres')
  assert.equal(
    tokens.visual,
    pictures.reduce((sum, { visualTokens }) => sum + visualTokens, 0),
  )
  // Every token but the newlines belongs to one span, and no two spans overlap.
  const places = layout.spans.flatMap(({ start, end }) =>
    Array.from({ length: end - start }, (_, i) => start + i),
  )
  assert.equal(new Set(places).size, places.length)
  const newlines = pictures.reduce((sum, { plan, visualTokens }) => {
    const own = layout.spans.filter(({ picture }) => pictures[picture]!.plan === plan)
    return sum + visualTokens - own.reduce((n, { start, end }) => n + end - start, 0)
  }, 0)
  assert.ok(newlines >= 2 && newlines + places.length === tokens.visual)
  await model.dispose()
})

test('captions train the projector alone, with the tower that the checkpoint only names', async () => {
  const path = await checkpoint('llava-v1.5-pretrain', published, /vision_tower/)
  const data = [
    {
      image: 'receipt.jpg',
      conversations: [
        { from: 'human', value: 'Describe it.\n<image>' },
        { from: 'gpt', value: 'a receipt' },
      ],
    },
  ]
  await writeFile(join(folder, 'captions.json'), JSON.stringify(data))
  const stage = {
    ...{ name: 'align', steps: 3, learningRate: 1e-2, labels: 'caption' },
    train: [{ match: 'model.mm_projector.*' }],
    data: [{ path: 'captions.json', images: join(root, 'examples') }],
  }
  const text = JSON.stringify({ model: path, output: 'aligned', stages: [stage] })
  const losses: number[] = []
  const { model } = await train(parseRecipe(text, join(folder, 'recipe.yaml')), {
    compile: { engine: nodeEngine, device: 'cpu' },
    onStep: ({ loss }) => losses.push(loss),
  })
  assert.ok(losses[2]! < losses[0]!, losses.join(' '))
  const [before, after] = await Promise.all(
    [path, model].map(async (place) => openCheckpoint(await folderSource(place))),
  )
  assert.deepEqual(after!.keys(), before!.keys())
  for (const [key, isSame] of [
    ['model.mm_projector.0.weight', false],
    ['lm_head.weight', true],
  ] as const) {
    const [was, is] = await Promise.all([before!.entry(key).read(), after!.entry(key).read()])
    assert.equal(was.data.join() === is.data.join(), isSame, key)
  }
})

test('refuses what it cannot do before anything runs', async () => {
  const path = await checkpoint('llava-v1.5-whole', published, /^$/)
  const model = await load(path)
  const ask = (options: object) => model.ask('What?', { images: [receipt], ...options })
  await assert.rejects(ask({ compression: {} }), { code: 'option-without-effect' })
  await assert.rejects(ask({ tiling: { strategy: 's2' } }), { code: 'tiling-needs-projector' })
  await assert.rejects(model.ask('<image> <image>?', { images: [receipt] }), {
    code: 'image-placeholder-count',
    message: /has 2 <image> placeholders but 1 pictures/,
  })
  await assert.rejects(model.ask('What? '.repeat(900)), {
    code: 'prompt-too-long',
    message: /the model has 1000 positions/,
  })
  await model.dispose()
  const other = await checkpoint(
    'llava-other',
    { ...published, mm_projector_type: 'mlp2x_gelu' },
    /mm_projector/,
  )
  await assert.rejects(load(other), { code: 'weights-do-not-fit', message: /model\.mm_projector/ })
  const unknown = { ...published, mm_projector_type: 'resampler' }
  await writeFile(join(other, 'config.json'), JSON.stringify(unknown))
  await assert.rejects(load(other), {
    code: 'config-invalid',
    message: /mm_projector_type: known are identity/,
  })
})

test('a checkpoint that transformers re-packaged answers as the original does', async () => {
  const anyRes = {
    image_aspect_ratio: 'anyres',
    mm_patch_merge_type: 'spatial_unpad',
    image_grid_pinpoints: [
      [28, 56],
      [84, 28],
    ],
  }
  for (const [name, config, architecture] of [
    ['llava-1.5', published, 'LlavaForConditionalGeneration'],
    ['llava-next', { ...published, ...anyRes }, 'LlavaNextForConditionalGeneration'],
  ] as const) {
    const original = await checkpoint(`${name}-original`, { ...config, clip_vision_config: tower }, /^$/)
    const repackaged = join(folder, `${name}-hf`)
    await cp(original, repackaged, { recursive: true })
    const hf = {
      ...{
        architectures: [architecture],
        text_config: { ...language, model_type: 'llama' },
        vision_config: tower,
      },
      image_grid_pinpoints: anyRes.image_grid_pinpoints.map(([width, height]) => [height, width]),
    }
    await writeFile(join(repackaged, 'config.json'), JSON.stringify(hf))
    const own = await openCheckpoint(await folderSource(original))
    const tensors = await Promise.all(
      own.keys().map(async (key) => [hfKey(key), await own.entry(key).read()] as const),
    )
    await writeFile(join(repackaged, 'model.safetensors'), writeSafetensors(new Map(tensors)))
    const read = []
    for (const path of [original, repackaged]) {
      const model = await load(path)
      for (const name of [receipt, street]) {
        const picture = { name, image: (await decodeImage(name)).image }
        const prepared = model.system.prepare({ pictures: [picture], question: 'What?' })
        const { layout, logits } = await model.system.start(prepared)
        read.push({ layout, logits: logits.data.slice() })
      }
      await model.dispose()
    }
    assert.deepEqual(read.slice(2), read.slice(0, 2), name)
    assert.notDeepEqual(read[0]!.logits, read[1]!.logits)
  }
})

/** A key of LLaVA's own checkpoints as transformers calls it. */
function hfKey(key: string): string {
  return key
    .replace('model.vision_tower.vision_tower.', 'vision_tower.')
    .replace('model.mm_projector.0.', 'multi_modal_projector.linear_1.')
    .replace('model.mm_projector.2.', 'multi_modal_projector.linear_2.')
    .replace('model.image_newline', 'image_newline')
    .replace(/^(model|lm_head)\./, 'language_model.$1.')
}

test('the template follows the name as the official command line has it', () => {
  const chosen = (name: string, architecture = 'LlavaLlamaForCausalLM') => llavaTemplate(name, architecture)
  assert.equal(chosen('liuhaotian/llava-v1.5-7b'), 'vicuna_v1')
  assert.equal(chosen('liuhaotian/llava-v1.6-34b'), 'chatml_direct')
  assert.equal(chosen('liuhaotian/llava-llama-2-13b-chat'), 'llava_llama_2')
  assert.equal(chosen('somewhere', 'LlavaMistralForCausalLM'), 'mistral_instruct')
  assert.equal(chosen('LLaVA-7b-delta-v0'), 'llava_v0')
  assert.equal(chosen('models/mine'), 'vicuna_v1')
})
