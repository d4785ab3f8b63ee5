import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { join } from './fake-torch.ts'
import { PickleGlobal, unpickle } from './pickle.ts'

const globals = new Map([
  ['a.Plain', new PickleGlobal('a.Plain')],
  ['a.sum', new PickleGlobal('a.sum', (args) => (args as number[]).reduce((sum, value) => sum + value, 0))],
])

function read(bytes: Uint8Array): unknown {
  return unpickle(bytes, { file: 'w.pt', globals, persistent: (id) => ({ id }) })
}

/** What Python 3.11 wrote: pickle.dumps({'x': [1, -2, 70000, 2**40, 1.5, True, None, (1, 2), 'é']}, protocol) */
const fromPython: Record<number, string> = {
  2: 'gAJ9cQBYAQAAAHhxAV1xAihLAUr+////SnARAQCKBgAAAAAAAUc/+AAAAAAAAIhOSwFLAoZxA1gCAAAAw6lxBGVzLg==',
  3: 'gAN9cQBYAQAAAHhxAV1xAihLAUr+////SnARAQCKBgAAAAAAAUc/+AAAAAAAAIhOSwFLAoZxA1gCAAAAw6lxBGVzLg==',
  4: 'gASVNgAAAAAAAAB9lIwBeJRdlChLAUr+////SnARAQCKBgAAAAAAAUc/+AAAAAAAAIhOSwFLAoaUjALDqZRlcy4=',
  5: 'gAWVNgAAAAAAAAB9lIwBeJRdlChLAUr+////SnARAQCKBgAAAAAAAUc/+AAAAAAAAIhOSwFLAoaUjALDqZRlcy4=',
}

for (const [protocol, base64] of Object.entries(fromPython))
  test(`reads plain data of protocol ${protocol} as Python wrote it`, () => {
    const list = [1, -2, 70000, 2 ** 40, 1.5, true, null, [1, 2], 'é']
    assert.deepEqual(read(Buffer.from(base64, 'base64')), new Map([['x', list]]))
  })

test('reads bytes and sets as Python wrote them', () => {
  const base64 = 'gAWVIAAAAAAAAABdlChDAmFilI+UKEsDkChLBJGUlgEAAAAAAAAAY5RlLg=='
  assert.deepEqual(read(Buffer.from(base64, 'base64')), [
    Uint8Array.of(97, 98), // b'ab'
    new Set([3]),
    new Set([4]), // frozen
    Uint8Array.of(99), // a bytearray
  ])
})

test('uses a stored value again, without a copy', () => {
  const [first, second] = read(join('\x80\x02]q\x07h\x07\x86.')) as unknown[]
  assert.equal(first, second)
})

test('calls only what is known, and hands persistent ids on', () => {
  assert.equal(read(join('\x80\x02ca\nsum\nK\x01K\x02\x86R.')), 3)
  assert.equal(read(join('\x80\x04\x8c\x01a\x8c\x03sum\x93K\x01K\x02\x86R.')), 3)
  assert.deepEqual(read(join('\x80\x02U\x01kQ.')), { id: 'k' })
})

test('refuses other classes, calls of plain ones and opcodes for objects', () => {
  const refused: [string, string, RegExp][] = [
    ['cposix\nsystem\nU\x02ls\x85R.', 'pickle-global', /posix\.system/],
    ['\x8c\x08builtins\x8c\x04eval\x93.', 'pickle-global', /builtins\.eval/],
    ['ca\nPlain\n)R.', 'pickle-global', /a\.Plain/],
    ['ca\nPlain\n)\x81.', 'pickle-global', /a\.Plain/],
    ['(ios\nsystem\n.', 'pickle-unsupported', /opcode 0x69 at byte 3/],
    ['(o.', 'pickle-unsupported', /0x6f/],
    ['\x82\x01.', 'pickle-unsupported', /0x82/],
  ]
  for (const [program, code, message] of refused)
    assert.throws(() => read(join('\x80\x02', program)), { name: 'CheckpointError', code, message })
})

test('refuses programs that make no sense', () => {
  const damaged = [
    '', // no end
    '.', // nothing to return
    '0.',
    '(0.', // below its own mark
    't.',
    'K\x01a.',
    'K\x01K\x02a.', // appends to a number
    'K\x01K\x02K\x03s.',
    'K\x01(K\x02\x90.',
    'h\x05.',
    'K\x01)R.',
    ']]\x93.', // a class named by lists
    'X\xff\xff\xff\xff.',
    '\x8d\xff\xff\xff\xff\xff\xff\xff\xff.',
    '\x8b\xff\xff\xff\x0f.',
    '\x80\x06.',
    'cos',
  ]
  for (const program of damaged)
    assert.throws(() => read(join('\x80\x02', program)), { code: 'pickle-damaged' }, JSON.stringify(program))
})

test('ends pickles that never end', () => {
  assert.throws(() => read(new Uint8Array(2 ** 22 + 1).fill(0x4e)), { code: 'pickle-size' })
  assert.throws(() => read(new Uint8Array(2 ** 26 + 1)), { code: 'pickle-size' })
})

test('answers any bytes with a value or a CheckpointError', () => {
  const opcodes = fc.constantFrom(
    ...Buffer.from('JKMGNX]a)etu}s(0125hqcRbQ\x85\x86\x87\x88\x8a\x8c\x8f\x90\x93\x94.', 'latin1'),
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(opcodes, fc.nat(255)), { maxLength: 60 }), (program) => {
      try {
        read(Uint8Array.from(program))
      } catch (error) {
        assert.equal((error as Error).name, 'CheckpointError')
      }
    }),
    { seed: 11, numRuns: 3000 },
  )
})
