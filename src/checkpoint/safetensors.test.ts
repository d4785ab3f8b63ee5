import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { allocate, type DType, sizeOf } from '../tensor/dtype.ts'
import { elementCount, type HostTensor } from '../tensor/tensor.ts'
import { memorySource } from './memory.ts'
import { readSafetensors } from './safetensors.ts'
import { safetensorsChunks, writeSafetensors } from './write-safetensors.ts'

const text = new TextEncoder()

/** A file with this header (as text, or to be JSON) and this many bytes of data. */
function fileOf(header: unknown, dataBytes: number, announcedBytes?: number): Uint8Array {
  const json = typeof header === 'string' ? text.encode(header) : text.encode(JSON.stringify(header))
  const file = new Uint8Array(8 + json.byteLength + dataBytes)
  new DataView(file.buffer).setBigUint64(0, BigInt(announcedBytes ?? json.byteLength), true)
  file.set(json, 8)
  return file
}

function read(file: Uint8Array) {
  return readSafetensors(memorySource('a page', new Map([['w.safetensors', file]])), 'w.safetensors')
}

const bytesOf = ({ data }: HostTensor): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

test('reads tensors in the order of their bytes, and maps those that are aligned', async () => {
  const header = {
    b: { dtype: 'F32', shape: [1], data_offsets: [1, 5] },
    __metadata__: { format: 'pt' },
    a: { dtype: 'U8', shape: [], data_offsets: [0, 1] },
  }
  const json = JSON.stringify(header)
  const file = fileOf(json + ' '.repeat((8 - (json.length % 8)) % 8), 5)
  file.set([7, 0, 0, 128, 63], file.length - 5)
  const [a, b] = await read(file)
  assert.deepEqual([a!.key, a!.dtype, a!.shape, a!.place!.length], ['a', 'u8', [], 1])
  assert.equal(b!.place, undefined) // at an odd offset
  assert.deepEqual([...(await a!.read()).data, ...(await b!.read()).data], [7, 1])
})

test('reads nothing but the header before a tensor is asked for', async () => {
  const inner = memorySource(
    'a page',
    new Map([['w', fileOf({ a: { dtype: 'U8', shape: [999], data_offsets: [0, 999] } }, 999)]]),
  )
  let bytesRead = 0
  const counting = {
    ...inner,
    readRange: (path: string, offset: number, length: number) => {
      bytesRead += length
      return inner.readRange(path, offset, length)
    },
  }
  await readSafetensors(counting, 'w')
  assert.ok(bytesRead < 200, `${bytesRead} bytes`)
})

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return new Uint8Array(Buffer.concat(parts))
}

const f32 = (begin: number, end: number, shape: unknown = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
})

const malformed: Record<string, [code: string, message: RegExp, file: Uint8Array]> = {
  'nothing in it': ['safetensors-size', /has 0/, new Uint8Array()],
  'seven bytes': ['safetensors-size', /has 7/, new Uint8Array(7)],
  'a header longer than the file': [
    'safetensors-size',
    /needs 1000 bytes, but the file has only/,
    fileOf({}, 0, 1000),
  ],
  'a header above the limit': ['safetensors-header', /100000001.*100000000/, fileOf({}, 0, 100_000_001)],
  'a header of 2⁶⁴ − 1 bytes': ['safetensors-header', /announce a header/, new Uint8Array(64).fill(255)],
  'a Git LFS pointer': [
    'safetensors-header',
    /git lfs pull/,
    text.encode('version https://git-lfs.github.com/spec/v1\n'),
  ],
  'no JSON': ['safetensors-header', /not JSON/, fileOf('{"a":', 0)],
  'no UTF-8': ['safetensors-header', /not JSON/, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff)],
  'a byte order mark': ['safetensors-header', /not JSON/, fileOf('\ufeff{}', 0)],
  'a list': ['safetensors-header', /not an object/, fileOf([], 0)],
  null: ['safetensors-header', /not an object/, fileOf('null', 0)],
  'a key twice': [
    'safetensors-header',
    /names a twice/,
    fileOf(
      '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
      0,
    ),
  ],
  'metadata that is no text': [
    'safetensors-header',
    /__metadata__/,
    fileOf({ __metadata__: { epoch: 3 } }, 0),
  ],
  'a tensor that is null': ['safetensors-header', /a has dtype/, fileOf({ a: null }, 0)],
  'an unknown dtype': ['safetensors-header', /dtype "F99"/, fileOf({ a: { ...f32(0, 4), dtype: 'F99' } }, 4)],
  'an unsupported dtype': [
    'dtype-unsupported',
    /F8_E4M3.*convert/,
    fileOf({ a: { ...f32(0, 4), dtype: 'F8_E4M3' } }, 4),
  ],
  'no shape': ['safetensors-header', /shape/, fileOf({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4)],
  'a negative size': ['safetensors-header', /shape \[-1\]/, fileOf({ a: f32(0, 4, [-1]) }, 4)],
  'half a size': ['safetensors-header', /shape \[0.5\]/, fileOf({ a: f32(0, 4, [0.5]) }, 4)],
  'a shape that overflows': ['safetensors-header', /needs/, fileOf({ a: f32(0, 4, [2 ** 50, 2 ** 50]) }, 4)],
  'three offsets': [
    'safetensors-header',
    /data_offsets/,
    fileOf({ a: { ...f32(0, 4), data_offsets: [0, 4, 8] } }, 4),
  ],
  'offsets backwards': [
    'safetensors-header',
    /hold -4/,
    fileOf({ a: { ...f32(0, 4), data_offsets: [4, 0] } }, 4),
  ],
  'more bytes than its shape': [
    'safetensors-header',
    /needs 4 bytes.*hold 8/,
    fileOf({ a: f32(0, 8, [1]) }, 8),
  ],
  'an overlap': [
    'safetensors-header',
    /b begins at 4, inside a, which ends at 8/,
    fileOf({ a: f32(0, 8), b: f32(4, 12) }, 12),
  ],
  'the same bytes twice': ['safetensors-header', /inside/, fileOf({ a: f32(0, 8), b: f32(0, 8) }, 8)],
  'a hole': [
    'safetensors-header',
    /hole of 4 bytes between a and b/,
    fileOf({ a: f32(0, 4), b: f32(8, 12) }, 12),
  ],
  'a hole at the start': ['safetensors-header', /between the header and a/, fileOf({ a: f32(4, 8) }, 8)],
  'a cut end': ['safetensors-size', /need 8 bytes.*has 5.*cut short/, fileOf({ a: f32(0, 8) }, 5)],
  'bytes after its end': ['safetensors-size', /need 8 bytes.*has 9/, fileOf({ a: f32(0, 8) }, 9)],
}
for (const [name, [code, message, file]] of Object.entries(malformed))
  test(`refuses a file with ${name}`, () =>
    assert.rejects(read(file), { name: 'CheckpointError', code, message }))

const dtypes: DType[] = ['f64', 'f32', 'f16', 'bf16', 'i64', 'i32', 'i16', 'i8', 'u8', 'bool']
const tensor = fc
  .record({
    dtype: fc.constantFrom(...dtypes),
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
    seed: fc.nat(255),
  })
  .map(({ dtype, shape, seed }): HostTensor => {
    const data = allocate(dtype, elementCount(shape))
    new Uint8Array(data.buffer).forEach((_, i, bytes) => {
      bytes[i] = (seed + 37 * i) & 255
    })
    return { dtype, shape, data }
  })
const tensors = fc
  .array(
    fc.tuple(
      fc.string({ unit: 'grapheme' }).filter((key) => key !== '__metadata__'),
      tensor,
    ),
    { maxLength: 8 },
  )
  .map((entries) => new Map(entries))

test('reads back what it wrote, every tensor aligned', async () => {
  await fc.assert(
    fc.asyncProperty(tensors, async (written) => {
      const entries = await read(writeSafetensors(written))
      assert.equal(entries.length, written.size)
      for (const entry of entries) {
        const { dtype, shape } = written.get(entry.key)!
        assert.deepEqual([entry.dtype, entry.shape], [dtype, shape])
        assert.deepEqual(bytesOf(await entry.read()), bytesOf(written.get(entry.key)!))
        if (elementCount(shape) > 0) assert.equal(entry.place!.offset % sizeOf(dtype), 0)
      }
    }),
    { seed: 5, numRuns: 200 },
  )
})

test('writes the same file in chunks', async () => {
  await fc.assert(
    fc.asyncProperty(tensors, fc.integer({ min: 1, max: 9 }), async (written, step) => {
      const toWrite = [...written].map(([key, tensor]) => ({
        key,
        dtype: tensor.dtype,
        shape: tensor.shape,
        async *chunks() {
          const bytes = bytesOf(tensor)
          for (let at = 0; at < bytes.byteLength; at += step) yield bytes.subarray(at, at + step)
        },
      }))
      assert.deepEqual(await collect(safetensorsChunks(toWrite)), writeSafetensors(written))
    }),
    { seed: 6, numRuns: 100 },
  )
})

test('refuses to write tensors that are too short, too long or of one name', async () => {
  const entry = (key: string, bytes: number) => ({
    key,
    dtype: 'f32' as const,
    shape: [2],
    chunks: () => [new Uint8Array(bytes)],
  })
  for (const bytes of [7, 9])
    await assert.rejects(collect(safetensorsChunks([entry('a', bytes)])), { code: 'tensor-length' })
  const twice = safetensorsChunks([entry('a', 8), entry('a', 8)])
  await assert.rejects(collect(twice), { code: 'weight-duplicate' })
})
