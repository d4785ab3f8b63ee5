import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededFloats } from '../../tests/finite-differences.ts'
import { checkpointOf } from '../checkpoint/entries.ts'
import { memorySource } from '../checkpoint/memory.ts'
import { clipTextConfig, clipTextShapes } from '../encoders/clip-config.ts'
import { prefixShapes } from '../graph/weights.ts'
import { filledImage } from '../image/rgb-image.ts'
import { nodeEngine } from '../runtime/node-engine.ts'
import { elementCount, f32 } from '../tensor/tensor.ts'
import { clipFiles, clipVocabSize } from './clip-fixture.test.ts'
import { describeTags, parseDescriptions } from './open-tags.ts'
import { ramWeights, tinyRam } from './ram-fixture.test.ts'
import { openTagger, type TaggerFiles } from './tagger.ts'

const compile = { engine: nodeEngine, device: 'cpu', threads: 1 } as const

/** A CLIP text tower that describes in `width` numbers. */
export function tinyClip(width = 12): TaggerFiles & { config: object } {
  const text_config = {
    vocab_size: clipVocabSize,
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 2,
  }
  const next = seededFloats(5)
  const shapes = {
    ...prefixShapes('text_model', clipTextShapes(clipTextConfig.parse(text_config))),
    'text_projection.weight': [width, 16],
  }
  const weights = new Map(
    Object.entries(shapes).map(([key, shape]) => [
      key,
      f32(shape, Array.from({ length: elementCount(shape) }, next)),
    ]),
  )
  return {
    source: memorySource('clip', clipFiles),
    checkpoint: checkpointOf('clip', weights),
    config: { text_config, projection_dim: width },
  }
}

const ram = (perTag?: number): TaggerFiles => ({
  source: memorySource('a page', new Map()),
  checkpoint: checkpointOf('memory', ramWeights(tinyRam(5, perTag))),
})
const picture = filledImage(9, 7, [200, 40, 90])

test('tags of one’s own are looked for in place of the list, of which none is needed', async () => {
  const openTags = await describeTags(tinyClip(), [{ name: 'cat' }, { name: 'dog', threshold: 0 }], {
    compile,
  })
  const tagger = await openTagger(ram(), { compile, openTags })
  const { scores, text } = await tagger.tag(picture)
  assert.deepEqual(
    scores.map(({ tag, threshold }) => [tag, threshold]),
    [
      ['cat', 0.5],
      ['dog', 0],
    ],
  )
  assert.ok(text.endsWith('dog'))
  await tagger.dispose()
})

test('descriptions are unit vectors, the same in any company', async () => {
  const sentences = (name: string) => [`a ${name}`, `it looks like a ${name}`]
  const tags = ['cat', 'dog'].map((name) => ({ name, descriptions: sentences(name) }))
  const { descriptions } = await describeTags(tinyClip(), tags, { compile })
  assert.deepEqual(descriptions.shape, [2, 2, 12])
  const alone = await describeTags(tinyClip(), tags.slice(1), { compile })
  for (let i = 0; i < 24; i++)
    assert.ok(Math.abs(descriptions.data[24 + i]! - alone.descriptions.data[i]!) < 1e-5)
  for (let row = 0; row < 4; row++)
    assert.ok(Math.abs(Math.hypot(...descriptions.data.subarray(row * 12, row * 12 + 12)) - 1) < 1e-5)
})

test('what does not fit is refused', async () => {
  const describe = (tags: Parameters<typeof describeTags>[1]) => describeTags(tinyClip(), tags, { compile })
  await assert.rejects(describe([]), { code: 'open-tags-missing' })
  await assert.rejects(describe([{ name: 'cat', descriptions: [] }]), { code: 'open-tags-missing' })
  await assert.rejects(describe([{ name: 'cat' }, { name: 'dog', descriptions: ['a', 'b'] }]), {
    code: 'open-tags-uneven',
    message: /'dog' has 2 descriptions, but 'cat' has 1/,
  })
  const wide = await describeTags(tinyClip(20), [{ name: 'cat' }], { compile })
  await assert.rejects(openTagger(ram(), { compile, openTags: wide }), { code: 'text-tower-width' })
  const two = await describe([{ name: 'cat', descriptions: ['a', 'b'] }])
  await assert.rejects(openTagger(ram(1), { compile, openTags: two }), { code: 'single-description' })
  const stopped = describeTags(tinyClip(), [{ name: 'cat' }], { compile, signal: AbortSignal.abort() })
  await assert.rejects(stopped, { code: 'aborted' })
})

test('a file of descriptions is one object, or a list of them as published', () => {
  const expected = [
    { name: 'cat', descriptions: ['soft'] },
    { name: 'dog', descriptions: ['loud'] },
  ]
  assert.deepEqual(parseDescriptions('{"cat": ["soft"], "dog": ["loud"]}'), expected)
  assert.deepEqual(parseDescriptions('[{"cat": ["soft"]}, {"dog": ["loud"]}]'), expected)
  for (const text of ['{', '3', '{"cat": "soft"}', '[{"cat": []}]'])
    assert.throws(() => parseDescriptions(text), { code: 'descriptions-invalid' }, text)
})
