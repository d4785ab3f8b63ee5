import assert from 'node:assert/strict'
import test from 'node:test'
import {
  type FakeTensor,
  type FakeZipOptions,
  fakeTorchFile,
  fakeZip,
  join,
  none,
  type Pickled,
  pickleCall,
  pickleDict,
  pickleFile,
  pickleGlobal,
  pickleInt,
  pickleTensor,
  pickleText,
  pickleTuple,
} from './fake-torch.ts'
import { memorySource } from './memory.ts'
import { readTorch } from './torch.ts'

const six = Float32Array.of(0, 1, 2, 3, 4, 5)
const matrix: FakeTensor = { storage: 'FloatStorage', key: '0', length: 6, shape: [2, 3], strides: [3, 1] }

function source(bytes: Uint8Array) {
  return memorySource('a page', new Map([['model.pth', bytes]]))
}

/** Reads a state dict of float tensors over one storage of 0 to 5. */
function open(value: Pickled, options: FakeZipOptions & { isDeflated?: boolean; byteOrder?: string } = {}) {
  return readTorch(source(fakeTorchFile(pickleFile(value), { 0: six }, options)), 'model.pth')
}

async function valuesOf(value: Pickled): Promise<Record<string, number[]>> {
  const entries = await open(value)
  return Object.fromEntries(
    await Promise.all(entries.map(async (entry) => [entry.key, [...(await entry.read()).data].map(Number)])),
  )
}

for (const options of [{}, { is64: true }, { comment: 'made by hand' }])
  test(`maps a contiguous tensor of a stored member (${JSON.stringify(options)})`, async () => {
    const [entry] = await open(pickleDict({ 'head.weight': pickleTensor(matrix) }), options)
    assert.deepEqual([entry!.key, entry!.dtype, entry!.shape], ['head.weight', 'f32', [2, 3]])
    const { source: file, path, offset, length } = entry!.place!
    assert.equal(offset % 64, 0)
    assert.deepEqual(new Float32Array((await file.readRange(path, offset, length)).slice().buffer), six)
    assert.deepEqual((await entry!.read()).data, six)
  })

test('inflates deflated members, which cannot be mapped', async () => {
  const [entry] = await open(
    pickleDict({ w: pickleTensor({ ...matrix, offset: 2, shape: [3], strides: [1] }) }),
    {
      isDeflated: true,
    },
  )
  assert.equal(entry!.place, undefined)
  assert.deepEqual([...(await entry!.read()).data], [2, 3, 4])
})

test('writes out strided tensors in row-major order', async () => {
  const views = {
    transposed: pickleTensor({ ...matrix, shape: [3, 2], strides: [1, 3] }),
    column: pickleTensor({ ...matrix, offset: 1, shape: [2], strides: [3] }),
    repeated: pickleTensor({ ...matrix, shape: [2, 2, 2], strides: [0, 3, 1] }),
    scalar: pickleTensor({ ...matrix, offset: 5, shape: [], strides: [] }),
    empty: pickleTensor({ ...matrix, shape: [0, 3], strides: [3, 1] }),
  }
  assert.deepEqual(await valuesOf(pickleDict(views)), {
    transposed: [0, 3, 1, 4, 2, 5],
    column: [1, 4],
    repeated: [0, 1, 3, 4, 0, 1, 3, 4],
    scalar: [5],
    empty: [],
  })
  const entries = await open(pickleDict(views))
  assert.deepEqual(
    entries.filter(({ place }) => place).map(({ key }) => key),
    ['scalar'],
  )
})

test('reads every element type, strided too', async () => {
  const types: [string, string, ArrayBufferView][] = [
    ['DoubleStorage', 'f64', Float64Array.of(1, 2, 3, 4)],
    ['LongStorage', 'i64', BigInt64Array.of(1n, 2n, 3n, 4n)],
    ['IntStorage', 'i32', Int32Array.of(1, 2, 3, 4)],
    ['ShortStorage', 'i16', Int16Array.of(1, 2, 3, 4)],
    ['CharStorage', 'i8', Int8Array.of(1, 2, 3, 4)],
    ['ByteStorage', 'u8', Uint8Array.of(1, 2, 3, 4)],
    ['BoolStorage', 'bool', Uint8Array.of(1, 2, 3, 4)],
    ['HalfStorage', 'f16', Uint16Array.of(1, 2, 3, 4)],
    ['BFloat16Storage', 'bf16', Uint16Array.of(1, 2, 3, 4)],
  ]
  for (const [storage, dtype, data] of types) {
    const tensor = { storage, key: '7', length: 4, shape: [2, 2], strides: [1, 2] }
    const file = fakeTorchFile(pickleFile(pickleDict({ w: pickleTensor(tensor) })), { 7: data })
    const [entry] = await readTorch(source(file), 'model.pth')
    assert.equal(entry!.dtype, dtype)
    assert.deepEqual([...(await entry!.read()).data].map(Number), [1, 3, 2, 4], dtype)
  }
})

test('reads untyped storages by the type of their tensor', async () => {
  const untyped = pickleGlobal('torch.storage', 'UntypedStorage')
  const id = pickleTuple(pickleText('storage'), untyped, pickleText('0'), pickleText('cpu'), pickleInt(24))
  const tensor = pickleCall(
    pickleGlobal('torch._utils', '_rebuild_tensor_v3'),
    join(id, 'Q'),
    pickleInt(4),
    pickleTuple(pickleInt(2)),
    pickleTuple(pickleInt(1)),
    join('\x89'),
    none,
    pickleGlobal('torch', 'float32'),
  )
  assert.deepEqual(await valuesOf(pickleDict({ w: tensor })), { w: [4, 5] })
})

test('unwraps parameters and drops what a module hangs on its dictionary', async () => {
  const parameter = pickleCall(
    pickleGlobal('torch._utils', '_rebuild_parameter'),
    pickleTensor(matrix),
    join('\x88'),
  )
  const ordered = join(
    pickleCall(pickleGlobal('collections', 'OrderedDict')),
    join('(', pickleText('w'), parameter, 'u'),
    pickleDict({ _metadata: pickleDict({}) }),
    'b',
  )
  assert.deepEqual(Object.keys(await valuesOf(ordered)), ['w'])
})

test("takes the weights of a trainer's dictionary and flattens what is nested", async () => {
  const tensor = pickleTensor(matrix)
  const weights = pickleDict({ 'a.w': tensor })
  const cases: [Pickled, string[]][] = [
    [pickleDict({ epoch: pickleInt(3), state_dict: weights, optimizer: pickleDict({ m: tensor }) }), ['a.w']],
    [pickleDict({ model_state_dict: weights, lr: pickleInt(1) }), ['a.w']],
    [pickleDict({ model: weights }), ['a.w']],
    [pickleDict({ module: pickleDict({ model: weights }) }), ['a.w']],
    [
      pickleDict({ vision: weights, text: pickleDict({ blocks: pickleTuple(tensor, tensor) }) }),
      ['vision.a.w', 'text.blocks.0', 'text.blocks.1'],
    ],
    [pickleDict({ model: pickleDict({ vision: weights }) }), ['model.vision.a.w']],
  ]
  for (const [value, keys] of cases) assert.deepEqual(Object.keys(await valuesOf(value)), keys)
})

test('refuses a pickle that would run something, by its name', async () => {
  for (const [module, name] of [
    ['os', 'system'],
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['argparse', 'Namespace'],
  ] as const) {
    const attack = pickleCall(pickleGlobal(module, name), pickleText('echo pwned'))
    await assert.rejects(open(pickleDict({ w: pickleTensor(matrix), x: attack })), {
      name: 'CheckpointError',
      code: 'pickle-global',
      message: new RegExp(
        `^model.pth in a page asks for ${module}\\.${name}.*convert the file to safetensors`,
      ),
      data: { file: 'model.pth in a page', global: `${module}.${name}` },
    })
  }
})

test('refuses tensors that reach out of their storage', async () => {
  const wrong: Partial<FakeTensor>[] = [
    { shape: [7], strides: [1] },
    { offset: 6, shape: [1], strides: [1] },
    { shape: [2, 2], strides: [5, 1] },
    { shape: [2, 2], strides: [1] },
    { offset: -1 },
    { shape: [2 ** 40, 2 ** 40], strides: [0, 0] },
    { shape: [2 ** 20, 2 ** 20], strides: [0, 0] }, // 4 TiB out of 24 bytes
    { length: 7 }, // more than the archive holds
    { key: '1' }, // not in the archive
  ]
  for (const each of wrong)
    await assert.rejects(open(pickleDict({ w: pickleTensor({ ...matrix, ...each }) })), {
      code: 'torch-damaged',
    })
})

test('refuses what it cannot read, and says what to do', async () => {
  const files: [string, Uint8Array, RegExp][] = [
    [
      'torch-legacy',
      join('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.'),
      /before PyTorch 1\.6.*Save it again/,
    ],
    ['torch-damaged', join('version https://git-lfs.github.com/spec/v1\n'), /git lfs pull/],
    ['torch-damaged', join('<!DOCTYPE html>'), /not a zip archive/],
    ['torch-damaged', fakeZip([{ name: 'a/b', bytes: new Uint8Array() }]), /no data\.pkl/],
    ['torch-empty', fakeTorchFile(pickleFile(pickleDict({ epoch: pickleInt(1) })), {}), /no tensors/],
    ['torch-byte-order', fakeTorchFile(pickleFile(none), {}, { byteOrder: 'big' }), /big-endian/],
  ]
  for (const [code, bytes, message] of files)
    await assert.rejects(readTorch(source(new Uint8Array(bytes)), 'model.pth'), { code, message })
})

test('ends dictionaries that hold themselves or double at every level', async () => {
  const selfHolding = join('}q\x01', pickleText('x'), 'h\x01', 's')
  await assert.rejects(open(selfHolding), { code: 'torch-nesting' })
  let doubling: Pickled = join('}q\x00', pickleText('a'), pickleInt(1), 's')
  for (let level = 0; level < 50; level++)
    doubling = join(
      doubling,
      '0}q',
      Uint8Array.of(level + 1),
      ...['a', 'b'].flatMap((key) => [pickleText(key), join('h', Uint8Array.of(level)), 's']),
    )
  await assert.rejects(open(doubling), { code: 'torch-nesting' })
})
