import assert from 'node:assert/strict'
import test from 'node:test'
import { type FakeMember, type FakeZipOptions, fakeZip } from './fake-torch.ts'
import { memorySource } from './memory.ts'
import { openZip, readMemberBytes } from './zip.ts'

const members: FakeMember[] = [
  { name: 'm/stored', bytes: Buffer.from('as it is') },
  { name: 'm/deflated', bytes: Buffer.from('again and again '.repeat(500)), isDeflated: true },
]

function open(bytes: Uint8Array) {
  return openZip(memorySource('a page', new Map([['a.zip', bytes]])), 'a.zip')
}

/** The archive after `change`, which gets it and where the directory's first header lies. */
async function readChanged(
  change: (file: Buffer, header: number) => Uint8Array | undefined,
  options?: FakeZipOptions,
) {
  const file = Buffer.from(fakeZip(members, options))
  const archive = await open(change(file, file.indexOf('PK\x01\x02')) ?? file)
  return Promise.all([...archive.members.values()].map((member) => readMemberBytes(archive, member)))
}

for (const options of [{}, { is64: true }, { comment: 'PK\x05\x06 is not the end' }])
  test(`reads stored and deflated members (${JSON.stringify(options)})`, async () => {
    const found = await readChanged(() => undefined, options)
    assert.deepEqual(
      found.map((bytes) => Buffer.from(bytes)),
      members.map(({ bytes }) => Buffer.from(bytes)),
    )
  })

test('reads only the directory until a member is asked for', async () => {
  const inner = memorySource(
    'a page',
    new Map([['a.zip', fakeZip([{ name: 'large', bytes: new Uint8Array(2 ** 20) }])]]),
  )
  let bytesRead = 0
  const counting = {
    ...inner,
    readRange: (path: string, offset: number, length: number) => {
      bytesRead += length
      return inner.readRange(path, offset, length)
    },
  }
  await openZip(counting, 'a.zip')
  assert.ok(bytesRead < 70_000, `${bytesRead} bytes`)
})

test('refuses damaged archives', async () => {
  const damages: Record<string, (file: Buffer, header: number) => Uint8Array | undefined> = {
    'cut short': (file) => file.subarray(0, -5),
    'nothing in it': () => new Uint8Array(10),
    'a directory of another size': (file) => void file.writeUInt16LE(3, file.length - 12),
    'a header that is none': (file, header) => void file.writeUInt32LE(0, header),
    'a name beyond the directory': (file, header) => void file.writeUInt16LE(0xffff, header + 28),
    'a stored member of two sizes': (file, header) => void file.writeUInt32LE(9, header + 24),
    'a local header elsewhere': (file, header) => void file.writeUInt32LE(1, header + 42),
    'a zip64 size without its field': (file, header) => void file.writeUInt32LE(0xffffffff, header + 24),
    'the same name twice': () => fakeZip([members[0]!, members[0]!]),
    'more bytes than announced': (file) => void file.writeUInt32LE(10, file.lastIndexOf('PK\x01\x02') + 24),
    'fewer bytes than announced': (file) =>
      void file.writeUInt32LE(9000, file.lastIndexOf('PK\x01\x02') + 24),
    'bytes that do not inflate': (file, header) => void file.fill(0xff, header - 30, header),
  }
  for (const [name, damage] of Object.entries(damages))
    await assert.rejects(readChanged(damage), { name: 'CheckpointError', code: 'zip-damaged' }, name)
  const past = readChanged((file) => void file.writeUInt32LE(0x7fffffff, file.length - 6))
  await assert.rejects(past, { code: 'file-truncated' })
})

test('refuses what torch.save never writes', async () => {
  const others: ((file: Buffer, header: number) => Uint8Array | undefined)[] = [
    (file, header) => void file.writeUInt16LE(1, header + 8), // encrypted
    (file, header) => void file.writeUInt16LE(93, header + 10), // zstandard
    (file) => void file.writeUInt16LE(1, file.length - 18), // the second disk
  ]
  for (const change of others) await assert.rejects(readChanged(change), { code: 'zip-unsupported' })
})
