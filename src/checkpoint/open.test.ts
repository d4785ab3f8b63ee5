import assert from 'node:assert/strict'
import test from 'node:test'
import { f32 } from '../tensor/tensor.ts'
import { checkpointOf, mergeCheckpoints, withPrefix } from './entries.ts'
import { fakeTorchFile, pickleDict, pickleFile, pickleTensor } from './fake-torch.ts'
import { memorySource } from './memory.ts'
import { openCheckpoint, openFile } from './open.ts'
import { writeSafetensors } from './write-safetensors.ts'

const text = new TextEncoder()
const tensorOf = (value: number) => f32([1], [value])

/** A safetensors file of one number under each key. */
function safetensors(values: Record<string, number>): Uint8Array {
  return writeSafetensors(new Map(Object.entries(values).map(([key, value]) => [key, tensorOf(value)])))
}

/** The same as torch.save writes it. */
function torch(values: Record<string, number>): Uint8Array {
  const tensors = Object.keys(values).map((key, i) => {
    const view = { storage: 'FloatStorage', key: '0', length: Object.keys(values).length, offset: i }
    return [key, pickleTensor({ ...view, shape: [1], strides: [1] })]
  })
  return fakeTorchFile(pickleFile(pickleDict(Object.fromEntries(tensors))), {
    0: Float32Array.from(Object.values(values)),
  })
}

const index = (map: unknown): Uint8Array => text.encode(JSON.stringify({ metadata: {}, weight_map: map }))

async function valuesIn(files: Record<string, Uint8Array>): Promise<Record<string, number>> {
  const checkpoint = await openCheckpoint(memorySource('a page', new Map(Object.entries(files))))
  const values: Record<string, number> = {}
  for (const key of checkpoint.keys()) values[key] = Number((await checkpoint.entry(key).read()).data[0])
  return values
}

const old = torch({ a: 9 })
const sharded = { a: 'm-1.safetensors', b: 'm-2.safetensors', c: 'm-2.safetensors' }
const folders: Record<string, [files: Record<string, Uint8Array>, values: Record<string, number>]> = {
  'one safetensors file': [
    { 'model.safetensors': safetensors({ a: 1 }), 'pytorch_model.bin': old },
    { a: 1 },
  ],
  'weights beside other tensors': [
    {
      'weights.safetensors': safetensors({ a: 1 }),
      'io.safetensors': safetensors({ a: 2 }),
      'b.safetensors': safetensors({ b: 2 }),
    },
    { a: 1 },
  ],
  'shards by their index': [
    {
      'model.safetensors.index.json': index(sharded),
      'm-1.safetensors': safetensors({ a: 1 }),
      'm-2.safetensors': safetensors({ c: 3, b: 2 }),
      'model.safetensors': safetensors({ z: 0 }),
    },
    { a: 1, b: 2, c: 3 },
  ],
  'several safetensors files without an index': [
    {
      'tower.safetensors': safetensors({ a: 1 }),
      'text.safetensors': safetensors({ b: 2 }),
      'sub/c.safetensors': safetensors({ c: 3 }),
    },
    { a: 1, b: 2 },
  ],
  'a PyTorch file': [
    { 'pytorch_model.bin': torch({ a: 1, b: 2 }), 'training_args.bin': text.encode('x') },
    { a: 1, b: 2 },
  ],
  'a PyTorch file of its own name': [{ 'iter_21000.pth': torch({ a: 1 }), 'optimizer.pt': old }, { a: 1 }],
  'PyTorch shards': [
    {
      'pytorch_model.bin.index.json': index({ a: 'p-1.bin', b: 'p-2.bin' }),
      'p-1.bin': torch({ a: 1 }),
      'p-2.bin': torch({ b: 2 }),
    },
    { a: 1, b: 2 },
  ],
}
for (const [name, [files, values]] of Object.entries(folders))
  test(`opens ${name}`, async () => assert.deepEqual(await valuesIn(files), values))

test('opens one named file', async () => {
  const source = memorySource('a page', new Map([['x.pt', torch({ a: 1 })]]))
  const checkpoint = await openFile(source, 'x.pt')
  assert.deepEqual([checkpoint.name, checkpoint.keys()], ['a page/x.pt', ['a']])
})

test('names a missing shard, how many weights were to come from it, and the fix', async () => {
  const files = { 'model.safetensors.index.json': index(sharded), 'm-1.safetensors': safetensors({ a: 1 }) }
  await assert.rejects(valuesIn(files), {
    name: 'CheckpointError',
    code: 'shard-missing',
    message: /lacks 1 of the 2 shards .*: m-2\.safetensors \(2 weights\)\. Pull the model again/,
  })
  const unindexed = { 'model-00001-of-00002.safetensors': safetensors({ a: 1 }) }
  await assert.rejects(valuesIn(unindexed), { code: 'shard-missing', message: /model-00002-of-00002/ })
})

const refused: Record<string, [code: string, files: Record<string, Uint8Array>]> = {
  'an index that is no JSON': ['index-damaged', { 'model.safetensors.index.json': text.encode('{') }],
  'an index without a map': ['index-damaged', { 'model.safetensors.index.json': text.encode('{}') }],
  'an index of numbers': ['index-damaged', { 'model.safetensors.index.json': index({ a: 1 }) }],
  'an index that climbs out': ['file-path', { 'model.safetensors.index.json': index({ a: '../../secret' }) }],
  'a shard without a weight of its': [
    'index-disagrees',
    { 'model.safetensors.index.json': index({ a: 'm', b: 'm' }), m: safetensors({ a: 1 }) },
  ],
  'a shard with a weight too many': [
    'index-disagrees',
    { 'model.safetensors.index.json': index({ a: 'm' }), m: safetensors({ a: 1, b: 2 }) },
  ],
  'two files of one key': [
    'weight-duplicate',
    { 'x.safetensors': safetensors({ a: 1 }), 'y.safetensors': safetensors({ a: 2 }) },
  ],
  'two PyTorch files': ['weights-ambiguous', { 'x.pth': old, 'y.pth': old }],
  'no weights': ['weights-missing', { 'config.json': text.encode('{}') }],
}
for (const [name, [code, files]] of Object.entries(refused))
  test(`refuses ${name}`, () => assert.rejects(valuesIn(files), { name: 'CheckpointError', code }))

test('merges checkpoints under other prefixes', async () => {
  const tower = checkpointOf(
    'tower',
    new Map([
      ['module.conv.weight', tensorOf(1)],
      ['head', tensorOf(0)],
    ]),
  )
  const text = checkpointOf('text', new Map([['lm.weight', tensorOf(2)]]))
  const merged = mergeCheckpoints('both', [withPrefix(withPrefix(tower, 'module.', ''), '', 'vision.'), text])
  assert.deepEqual(merged.keys(), ['vision.conv.weight', 'lm.weight'])
  assert.equal(merged.entry('vision.conv.weight').key, 'vision.conv.weight')
  assert.equal((await merged.entry('vision.conv.weight').read()).data[0], 1)
  assert.throws(() => mergeCheckpoints('twice', [text, text]), { code: 'weight-duplicate' })
})

test('names the nearest keys of one that is missing', () => {
  const checkpoint = checkpointOf(
    'tower',
    new Map([
      ['vision.proj.weight', tensorOf(1)],
      ['bias', tensorOf(0)],
    ]),
  )
  assert.throws(() => checkpoint.entry('vision.prj.weight'), {
    code: 'weight-missing',
    message: /^tower has no weight vision\.prj\.weight among its 2\. The nearest are vision\.proj\.weight\./,
    data: { key: 'vision.prj.weight', checkpoint: 'tower', nearest: ['vision.proj.weight'] },
  })
})
