import { deflateRawSync } from 'node:zlib'

// What torch.save writes, put together by hand for the tests: pickles opcode by opcode, and their archives.

/** Pickled bytes that leave one value on the stack. */
export type Pickled = Uint8Array

const text = new TextEncoder()

/** Joins opcodes, given as characters, and what follows them. */
export function join(...parts: (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)))
}

function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}

export const none: Pickled = join('N')

export function pickleInt(value: number): Pickled {
  if (value >= 0 && value < 2 ** 31) return join('J', u32(value))
  return join('\x8a\x08', new Uint8Array(BigInt64Array.of(BigInt(value)).buffer))
}

export function pickleText(value: string): Pickled {
  const bytes = text.encode(value)
  return join('X', u32(bytes.byteLength), bytes)
}

export function pickleTuple(...values: Pickled[]): Pickled {
  return join('(', ...values, 't')
}

export function pickleDict(entries: Readonly<Record<string, Pickled>>): Pickled {
  return join('}(', ...Object.entries(entries).flatMap(([key, value]) => [pickleText(key), value]), 'u')
}

export function pickleGlobal(module: string, name: string): Pickled {
  return join('c', `${module}\n${name}\n`)
}

export function pickleCall(callee: Pickled, ...args: Pickled[]): Pickled {
  return join(callee, pickleTuple(...args), 'R')
}

export interface FakeTensor {
  /** `FloatStorage` and its like. */
  readonly storage: string
  readonly key: string
  readonly length: number
  readonly offset?: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/** The call by which torch.save has a tensor rebuilt. */
export function pickleTensor({ storage, key, length, offset = 0, shape, strides }: FakeTensor): Pickled {
  const type = pickleGlobal('torch', storage)
  const id = pickleTuple(pickleText('storage'), type, pickleText(key), pickleText('cpu'), pickleInt(length))
  return pickleCall(
    pickleGlobal('torch._utils', '_rebuild_tensor_v2'),
    join(id, 'Q'),
    pickleInt(offset),
    pickleTuple(...shape.map(pickleInt)),
    pickleTuple(...strides.map(pickleInt)),
    join('\x89'),
    pickleCall(pickleGlobal('collections', 'OrderedDict')),
  )
}

/** A whole pickle of protocol 2. */
export function pickleFile(value: Pickled): Uint8Array {
  return join('\x80\x02', value, '.')
}

export interface FakeMember {
  readonly name: string
  readonly bytes: Uint8Array
  readonly isDeflated?: boolean
}

export interface FakeZipOptions {
  /** Writes sizes and offsets as the zip64 fields that archives above 4 GiB have. */
  readonly is64?: boolean
  readonly comment?: string
}

/** A zip archive whose members begin at multiples of 64 bytes, as torch.save pads them. */
export function fakeZip(
  members: readonly FakeMember[],
  { is64 = false, comment = '' }: FakeZipOptions = {},
): Uint8Array {
  const parts: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let offset = 0
  for (const { name, bytes, isDeflated = false } of members) {
    const data = isDeflated ? deflateRawSync(bytes) : bytes
    const padding = new Uint8Array((64 - ((offset + 30 + name.length) % 64)) % 64)
    const common = (size: number, compressed: number): Uint8Array =>
      fields([45, 2], [45, 2], [0, 2], [isDeflated ? 8 : 0, 2], [0, 4], [0, 4], [compressed, 4], [size, 4])
    const local = join(
      'PK\x03\x04',
      common(bytes.length, data.length).subarray(2),
      fields([name.length, 2], [padding.length, 2]),
    )
    const extra = is64
      ? fields([1, 2], [24, 2], [bytes.length, 8], [data.length, 8], [offset, 8])
      : new Uint8Array()
    const sizes = is64 ? common(0xffffffff, 0xffffffff) : common(bytes.length, data.length)
    directory.push(
      join('PK\x01\x02', sizes, fields([name.length, 2], [extra.length, 2], [0, 2], [0, 2], [0, 2], [0, 4])),
      join(fields([is64 ? 0xffffffff : offset, 4]), name, extra),
    )
    parts.push(local, join(name), padding, data)
    offset += local.length + name.length + padding.length + data.length
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0)
  const end64 = is64
    ? [
        join(
          'PK\x06\x06',
          fields([44, 8], [45, 2], [45, 2], [0, 4], [0, 4], [members.length, 8], [members.length, 8]),
        ),
        fields([size, 8], [offset, 8]),
        join('PK\x06\x07', fields([0, 4], [offset + size, 8], [1, 4])),
      ]
    : []
  const count = is64 ? 0xffff : members.length
  const end = fields(
    [0, 2],
    [0, 2],
    [count, 2],
    [count, 2],
    [is64 ? 0xffffffff : size, 4],
    [is64 ? 0xffffffff : offset, 4],
  )
  return new Uint8Array(
    join(...parts, ...directory, ...end64, 'PK\x05\x06', end, fields([comment.length, 2]), comment),
  )
}

/** Little-endian numbers of the given widths in bytes. */
function fields(...values: [value: number, width: number][]): Uint8Array {
  return Buffer.concat(
    values.map(([value, width]) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer).subarray(0, width)),
  )
}

/** What torch.save writes for a pickle and its storages. */
export function fakeTorchFile(
  pickle: Uint8Array,
  storages: Readonly<Record<string, ArrayBufferView>>,
  {
    byteOrder = 'little',
    isDeflated = false,
    ...zip
  }: FakeZipOptions & { byteOrder?: string; isDeflated?: boolean } = {},
): Uint8Array {
  return fakeZip(
    [
      { name: 'archive/data.pkl', bytes: pickle, isDeflated },
      { name: 'archive/byteorder', bytes: text.encode(byteOrder) },
      ...Object.entries(storages).map(([key, { buffer, byteOffset, byteLength }]) => ({
        name: `archive/data/${key}`,
        bytes: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength),
        isDeflated,
      })),
      { name: 'archive/version', bytes: text.encode('3\n') },
    ],
    zip,
  )
}
