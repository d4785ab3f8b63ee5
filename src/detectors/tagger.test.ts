import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkpointOf } from '../checkpoint/entries.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { memorySource } from '../checkpoint/memory.ts'
import { openFile } from '../checkpoint/open.ts'
import { writeSafetensors } from '../checkpoint/write-safetensors.ts'
import { filledImage, rgbImage } from '../image/rgb-image.ts'
import { chooseEngine } from '../runtime/default-engine.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import { ramConfigOf } from './ram-config.ts'
import { ramPth, ramWeights, tinyRam } from './ram-fixture.test.ts'
import { tagListFile, thresholdFile } from './tag-list.ts'
import { openTagger, type Tagger } from './tagger.ts'

const compile = { engine: await chooseEngine(), device: 'cpu', threads: 1 } as const
const names = ['person', 'Traffic light', 'hot dog', 'tree', 'sky']
const picture = rgbImage(
  40,
  24,
  Uint8Array.from({ length: 40 * 24 * 3 }, (_, i) => (i * 37) % 256),
)
const weights = ramWeights(tinyRam(names.length))

/** The files of a folder with tag lists. */
function folder(files: Record<string, Uint8Array | string>): FileSource {
  const text = new TextEncoder()
  const bytes = Object.entries(files).map(
    ([name, file]) => [name, typeof file === 'string' ? text.encode(file) : file] as const,
  )
  return memorySource('a page', new Map(bytes))
}

const lists = { [tagListFile]: `${names.join('\n')}\n`, [thresholdFile]: '0.5\n0\n1\n0.4\n0.6\n' }

function open(
  files: Record<string, string>,
  tensors: ReadonlyMap<string, HostTensor> = weights,
): Promise<Tagger> {
  return openTagger({ source: folder(files), checkpoint: checkpointOf('memory', tensors) }, { compile })
}

test('what no file says is read from the weights', () => {
  assert.deepEqual(ramConfigOf(checkpointOf('memory', weights)), tinyRam(names.length))
})

test('a tag is given when its score lies above its threshold, never at a threshold of 1', async () => {
  const tagger = await open(lists)
  const { tags, scores, text } = await tagger.tag(picture)
  assert.deepEqual(
    scores.map(({ tag, threshold }) => [tag, threshold]),
    names.map((name, i) => [name, [0.5, 0, 1, 0.4, 0.6][i]]),
  )
  assert.deepEqual(
    tags,
    scores.filter(({ score, threshold }) => score > threshold),
  )
  assert.ok(text.split(' | ').includes('Traffic light') && !text.includes('hot dog'))
  const strict = await tagger.tag(picture, { threshold: 1 })
  assert.deepEqual([strict.tags, strict.text], [[], ''])
  await tagger.dispose()
})

test('some tags alone score as among all, and a picture is computed once', async () => {
  const tagger = await open(lists)
  const all = await tagger.tag(picture)
  const some = await tagger.tag(picture, { only: ['sky', 'person'] })
  assert.deepEqual(
    some.scores.map(({ tag }) => tag),
    ['person', 'sky'],
  )
  some.scores.forEach(({ score }, i) => {
    assert.ok(Math.abs(score - all.scores[i * 4]!.score) < 1e-5)
  })
  let events = 0
  const again = await tagger.tag(rgbImage(40, 24, picture.data.slice()), { onEvent: () => events++ })
  assert.deepEqual([again, events], [all, 0])
  const other = await tagger.tag(filledImage(9, 9, [200, 30, 30]), { onEvent: () => events++ })
  assert.ok(events > 0 && other.scores[0]!.score !== all.scores[0]!.score)
  await tagger.dispose()
})

test('scores that a store has are not computed', async () => {
  const kept = new Map<string, HostTensor<'f32'>>()
  const store = {
    load: async (key: string) => kept.get(key),
    save: async (key: string, tensor: HostTensor<'f32'>) => void kept.set(key, tensor),
  }
  const results = []
  let events = 0
  for (let process = 0; process < 2; process++) {
    const files = { source: folder(lists), checkpoint: checkpointOf('memory', weights) }
    const tagger = await openTagger(files, { compile, store })
    events = 0
    results.push((await tagger.tag(picture, { onEvent: () => events++ })).scores)
    await tagger.dispose()
  }
  assert.deepEqual([results[1], events, kept.size], [results[0], 0, 1])
})

test('published pickles, other containers and old names give the same scores', async () => {
  const old = new Map([...weights].map(([key, t]) => [key.replace(/^tagging_head/, 'vision_multi'), t]))
  const files = { 'ram.pth': ramPth(weights), 'ram.safetensors': writeSafetensors(old) }
  const source = folder({ ...files, ...lists })
  const expected = await scoresOf(await open(lists))
  for (const file of Object.keys(files)) {
    const tagger = await openTagger({ source, checkpoint: await openFile(source, file) }, { compile })
    assert.deepEqual(await scoresOf(tagger), expected, file)
  }
})

async function scoresOf(tagger: Tagger): Promise<number[]> {
  const { scores } = await tagger.tag(picture)
  await tagger.dispose()
  return scores.map(({ score }) => score)
}

test('a long table is read in pieces', async () => {
  const many = Array.from({ length: 1100 }, (_, i) => `tag ${i}`)
  const file = writeSafetensors(ramWeights(tinyRam(many.length)))
  const source = folder({ 'm.safetensors': file, [tagListFile]: many.join('\n') })
  const lengths: number[] = []
  const counted: FileSource = {
    ...source,
    readRange(path, offset, length) {
      lengths.push(length)
      return source.readRange(path, offset, length)
    },
  }
  const tagger = await openTagger(
    { source, checkpoint: await openFile(counted, 'm.safetensors') },
    { compile },
  )
  lengths.length = 0
  const all = await tagger.tag(picture)
  const tagBytes = 3 * 12 * 4
  assert.deepEqual(lengths, [512 * tagBytes, 512 * tagBytes, 76 * tagBytes])
  lengths.length = 0
  const some = await tagger.tag(picture, { only: ['tag 1030', 'tag 7', 'tag 8'] })
  assert.deepEqual(lengths, [2 * tagBytes, tagBytes])
  assert.ok(Math.abs(some.scores[2]!.score - all.scores[1030]!.score) < 1e-5)
  await tagger.dispose()
})

test('RAM without descriptions takes its embeddings as they are', async () => {
  const plain = ramWeights(tinyRam(names.length, 1))
  assert.ok(!plain.has('reweight_scale'))
  assert.equal((await scoresOf(await open(lists, plain))).length, names.length)
})

test('lists that are missing or belong to something else are refused', async () => {
  const refuses = (files: Record<string, string>, code: string, message: RegExp): Promise<void> =>
    assert.rejects(open(files), { code, message })
  await refuses({}, 'tag-list-missing', /no ram_tag_list\.txt in a page\. .*ram\/data of github\.com/)
  await refuses({ [tagListFile]: 'a\nb' }, 'tag-list-length', /2 tags, but label_embed has 15 rows/)
  await refuses({ ...lists, [thresholdFile]: '0.5' }, 'thresholds-broken', /1 thresholds for 5 tags/)
  await refuses({ ...lists, [thresholdFile]: '0\n1\nhigh\n0\n0' }, 'thresholds-broken', /Line 3 .*"high"/)
  const lessPerTag = new Map(weights).set('label_embed', ramWeights(tinyRam(5, 2)).get('label_embed')!)
  await assert.doesNotReject(open(lists, lessPerTag).then((tagger) => tagger.dispose()))
  weightsMissing(
    await open(lists, new Map([...weights].filter(([key]) => key !== 'fc.bias'))).catch((e) => e),
  )
})

function weightsMissing(error: unknown): void {
  assert.match(String(error), /1 are missing:\n {2}fc\.bias/)
}

test('lists may lie elsewhere, and are taken from one place', async () => {
  const bare = { [tagListFile]: lists[tagListFile] }
  const open = async (own: Record<string, string>, listsElsewhere: FileSource): Promise<number[]> => {
    const files = { source: folder(own), checkpoint: checkpointOf('memory', weights) }
    const tagger = await openTagger(files, { compile, listsElsewhere })
    await tagger.dispose()
    return tagger.tags.map((tag) => tag.threshold)
  }
  assert.deepEqual(await open({}, folder(lists)), [0.5, 0, 1, 0.4, 0.6])
  assert.deepEqual(await open(bare, folder(lists)), Array(5).fill(0.68))
  await assert.rejects(open({}, folder({})), { code: 'tag-list-missing', message: /a page or a page/ })
})

test('unknown tags and thresholds outside 0 to 1 are refused before anything runs', async () => {
  const tagger = await open(lists)
  await assert.rejects(tagger.tag(picture, { only: ['Hot dog'] }), {
    code: 'tag-unknown',
    message: /"Hot dog" among the 5.*hot dog/,
  })
  await assert.rejects(tagger.tag(picture, { threshold: Number.NaN }), { code: 'option-value' })
  await tagger.dispose()
})

test('an aborted signal stops between pieces and leaves nothing behind', async () => {
  const tagger = await open(lists)
  const signal = AbortSignal.abort()
  await assert.rejects(tagger.tag(picture, { signal }), { code: 'aborted' })
  assert.equal((await tagger.tag(picture)).scores.length, names.length)
  await tagger.dispose()
})

test('weights that are not numbers are told apart from pictures without tags', async () => {
  const bias = { ...weights.get('fc.bias')!, data: Float32Array.of(Number.NaN) }
  const tagger = await open(lists, new Map([...weights, ['fc.bias', bias]]))
  await assert.rejects(tagger.tag(picture), { code: 'scores-not-finite' })
  await tagger.dispose()
})

test('a picture of one pixel has tags', async () => {
  const tagger = await open(lists)
  assert.equal((await tagger.tag(filledImage(1, 1, [0, 0, 0]))).scores.length, names.length)
  await tagger.dispose()
})
