import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { checkpointOf } from '../checkpoint/entries.ts'
import { fakeTorchFile, pickleDict, pickleFile, pickleTensor } from '../checkpoint/fake-torch.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { memorySource } from '../checkpoint/memory.ts'
import { writeSafetensors } from '../checkpoint/write-safetensors.ts'
import { chooseEngine } from '../runtime/default-engine.ts'
import { f32ToBf16 } from '../tensor/half.ts'
import { f32, type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { mergeAdapter } from './merge.ts'
import { openAdapter } from './peft-folder.ts'

// Folders as peft 0.14 writes them, by hand.

const config = {
  ...{ base_model_name_or_path: 'org/base', peft_type: 'LORA', task_type: 'CAUSAL_LM', r: 1, lora_alpha: 2 },
  ...{ target_modules: ['q_proj', 'fc'], modules_to_save: ['norm'], lora_dropout: 0.05, bias: 'none' },
  ...{
    fan_in_fan_out: false,
    init_lora_weights: true,
    inference_mode: true,
    use_rslora: false,
    use_dora: false,
  },
  ...{ rank_pattern: {}, alpha_pattern: {}, layers_to_transform: null, layer_replication: null },
}

const tensors = {
  'base_model.model.layers.0.q_proj.lora_A.weight': f32([1, 3], [1, 2, -1]),
  'base_model.model.layers.0.q_proj.lora_B.weight': f32([2, 1], [0.5, -1]),
  'base_model.model.norm.weight': f32([2], [7, 8]),
}

function folder(
  changes: Readonly<Record<string, unknown>> = {},
  held: Readonly<Record<string, HostTensor>> = tensors,
): FileSource {
  return memorySource(
    'adapter',
    new Map([
      ['adapter_config.json', new TextEncoder().encode(JSON.stringify({ ...config, ...changes }))],
      ['adapter_model.safetensors', writeSafetensors(new Map(Object.entries(held)))],
    ]),
  )
}

const base = checkpointOf(
  'base',
  new Map([
    ['layers.0.q_proj.weight', f32([2, 3], [1, 0, 0, 0, 1, 0])],
    ['layers.0.q_proj.bias', f32([2], [3, 4])],
    ['norm.weight', f32([2], [1, 1])],
  ]),
)
const engine = { engine: await chooseEngine(), device: 'cpu' } as const

async function merged(source: FileSource, key: string): Promise<HostTensor> {
  return mergeAdapter(base, await openAdapter(source), engine)
    .entry(key)
    .read()
}

test('a pair is added to its matrix with alpha / rank, whole weights replace the model’s, all else stays', async () => {
  const expected = f32([2, 3], [1 + 1, 0 + 2, 0 - 1, 0 - 2, 1 - 4, 0 + 2])
  assert.deepEqual(await merged(folder(), 'layers.0.q_proj.weight'), expected)
  assert.deepEqual([...(await merged(folder(), 'norm.weight')).data], [7, 8])
  assert.deepEqual([...(await merged(folder(), 'layers.0.q_proj.bias')).data], [3, 4])
  const checkpoint = mergeAdapter(base, await openAdapter(folder()), engine)
  assert.deepEqual(checkpoint.keys(), base.keys())
})

test('rank-stabilised scale, and a rank and an alpha of a module’s own', async () => {
  const wide = {
    ...tensors,
    'base_model.model.layers.0.q_proj.lora_A.weight': f32([4, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]),
    'base_model.model.layers.0.q_proj.lora_B.weight': f32([2, 4], [1, 1, 1, 0, 2, 2, 2, 0]),
  }
  const added = async (changes: Readonly<Record<string, unknown>>): Promise<number> =>
    Number((await merged(folder(changes, wide), 'layers.0.q_proj.weight')).data[2])
  assert.equal(await added({ r: 4, lora_alpha: 8 }), 2)
  assert.equal(await added({ r: 4, lora_alpha: 8, use_rslora: true }), 4)
  assert.equal(await added({ rank_pattern: { q_proj: 4 }, alpha_pattern: { '^layers.0.q_proj': 12 } }), 3)
})

test('what is not plain LoRA is refused by the field that says so', async () => {
  await assert.rejects(openAdapter(folder({ peft_type: 'IA3' })), { code: 'adapter-type', message: /"IA3"/ })
  const refused = { code: 'adapter-unsupported' }
  await assert.rejects(openAdapter(folder({ use_dora: true })), { ...refused, message: /use_dora/ })
  await assert.rejects(openAdapter(folder({ bias: 'all' })), { ...refused, message: /bias to "all"/ })
  await assert.rejects(openAdapter(folder({ init_lora_weights: 'pissa' })), { ...refused, message: /pissa/ })
  await assert.rejects(openAdapter(folder({ alpha_pattern: { '.*(q|v)_proj': 3 } })), refused)
  await assert.rejects(openAdapter(folder({ r: 0 })), { code: 'config-invalid' })
  await assert.rejects(openAdapter(memorySource('empty', new Map())), { code: 'adapter-missing' })
})

test('what LLaVA trains whole lies in a file of PyTorch beside the adapter', async () => {
  const whole = { storage: 'FloatStorage', key: '0', length: 2, shape: [2], strides: [1] }
  const file = (key: string): Uint8Array =>
    fakeTorchFile(pickleFile(pickleDict({ [key]: pickleTensor(whole) })), { 0: Float32Array.of(5, 6) })
  const source = folder()
  const beside = (key: string): FileSource => {
    const others = memorySource('adapter', new Map([['non_lora_trainables.bin', file(key)]]))
    const of = (path: string): FileSource => (path === 'non_lora_trainables.bin' ? others : source)
    return {
      ...source,
      has: (path) => of(path).has(path),
      size: (path) => of(path).size(path),
      read: (path) => of(path).read(path),
      readRange: (path, offset, length) => of(path).readRange(path, offset, length),
      localPath: (path) => of(path).localPath(path),
    }
  }
  for (const [written, key] of [
    ['base_model.model.model.mm_projector.bias', 'model.mm_projector.bias'],
    ['model.mm_projector.bias', 'model.mm_projector.bias'],
  ] as const) {
    const { weights } = await openAdapter(beside(written))
    assert.deepEqual([...weights.keys()], ['norm.weight', key])
    assert.deepEqual([...(await weights.get(key)!.read()).data], [5, 6])
  }
})

test('every key of a file that is no pair is named', async () => {
  const held = {
    'base_model.model.a.lora_A.weight': f32([1, 3], [1, 2, 3]),
    'base_model.model.b.lora_A.weight': f32([2, 3], [1, 2, 3, 4, 5, 6]),
    'base_model.model.b.lora_B.weight': f32([2, 2], [1, 2, 3, 4]),
    'base_model.model.c.lora_embedding_A': f32([1, 1], [1]),
    'model.d.weight': f32([1], [1]),
  }
  await assert.rejects(openAdapter(folder({}, held)), (error: Error & { code: string; data: unknown }) => {
    assert.equal(error.code, 'adapter-broken')
    assert.match(error.message, /a\.lora_A\.weight has no base_model\.model\.a\.lora_B\.weight/)
    assert.match(error.message, /b\.lora_A\.weight is \[2, 3\] .* at rank 1 /)
    assert.match(error.message, /c\.lora_embedding_A is no pair/)
    assert.match(error.message, /model\.d\.weight does not begin with base_model\.model\./)
    return true
  })
})

test('an adapter of another model is refused with each key and what is there instead', async () => {
  const held = {
    'base_model.model.layers.1.q_proj.lora_A.weight': f32([1, 3], [1, 2, 3]),
    'base_model.model.layers.1.q_proj.lora_B.weight': f32([2, 1], [1, 2]),
    'base_model.model.layers.0.q_proj.lora_A.weight': f32([1, 4], [1, 2, 3, 4]),
    'base_model.model.layers.0.q_proj.lora_B.weight': f32([2, 1], [1, 2]),
    'base_model.model.norm.weight': f32([3], [1, 2, 3]),
  }
  const adapter = await openAdapter(folder({}, held))
  assert.throws(
    () => mergeAdapter(base, adapter, engine),
    (error: Error & { code: string }) => {
      assert.equal(error.code, 'adapter-misfit')
      assert.match(
        error.message,
        /layers\.1\.q_proj\.weight, which is not there; .* layers\.0\.q_proj\.weight/,
      )
      assert.match(error.message, /make \[2, 4\], but layers\.0\.q_proj\.weight is \[2, 3\]/)
      assert.match(error.message, /norm\.weight is \[3\] in the adapter, but \[2\] in the model/)
      return true
    },
  )
})

test('a merged weight reads as float32 of a bfloat16 base', async () => {
  const values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
  const narrow = f32ToBf16(Float32Array.from(values))
  const half = checkpointOf(
    'half',
    new Map<string, HostTensor>([
      ['layers.0.q_proj.weight', hostTensor('bf16', [2, 3], narrow)],
      ['norm.weight', f32([2], [1, 1])],
    ]),
  )
  const entry = mergeAdapter(half, await openAdapter(folder()), engine).entry('layers.0.q_proj.weight')
  const added = [1, 2, -1, -2, -4, 2]
  const wide = [...narrow].map((bits) => new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!)
  const sums = wide.map((value, i) => value + added[i]!)
  closeTo(await entry.read(), f32([2, 3], sums))
})
