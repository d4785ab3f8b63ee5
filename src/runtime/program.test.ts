import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { memorySource } from '../checkpoint/memory.ts'
import { openCheckpoint } from '../checkpoint/open.ts'
import { writeSafetensors } from '../checkpoint/write-safetensors.ts'
import { dim } from '../graph/dim.ts'
import { add, mul } from '../graph/ops/index.ts'
import { input, type Tensor, weight } from '../graph/tensor.ts'
import { f32 } from '../tensor/tensor.ts'
import { chooseEngine } from './default-engine.ts'
import { nodeEngine } from './node-engine.ts'
import { type CompileOptions, Program } from './program.ts'
import { openError, runFailed } from './run-errors.ts'
import { webEngine } from './web-engine.ts'

const folder = await mkdtemp(join(tmpdir(), 'panoptes-program-'))
after(() => rm(folder, { recursive: true }))

const cpu = { engine: nodeEngine, device: 'cpu', threads: 1 } as const
const native = { engine: await chooseEngine('native'), device: 'cpu', threads: 1 } as const
const wasm = { engine: webEngine(), device: 'wasm', threads: 1 } as const
const x = input('x', 'f32', [dim('T')])

async function checkpointIn(name: string, value: number): Promise<Checkpoint> {
  await mkdir(join(folder, name))
  const file = join(folder, name, 'model.safetensors')
  await writeFile(file, writeSafetensors(new Map([['w', f32([1], [value])]])))
  return openCheckpoint(await folderSource(join(folder, name)))
}

for (const backend of [native, cpu, wasm] as const satisfies CompileOptions[]) {
  const on = ` (${backend.engine.name}, ${backend.device})`

  test(`only the outputs asked for come back, and feeds of other programs are left aside${on}`, async () => {
    const program = await Program.compile('two', { twice: mul(x, 2), more: add(x, 1) }, backend)
    const results = await program.run({ x: f32([2], [1, 2]), other: f32([], [0]) }, ['more'])
    assert.deepEqual(Object.keys(results), ['more'])
    assert.deepEqual([...results.more!.data], [2, 3])
    await program.dispose()
  })

  test(`a program runs again with other sizes, down to none${on}`, async () => {
    const program = await Program.compile('sizes', { y: mul(x, 2) }, backend)
    for (const size of [3, 0, 1]) {
      const { y } = await program.run({ x: f32([size], Array(size).fill(4)) })
      assert.deepEqual([...y!.shape], [size])
      assert.deepEqual([...y!.data], Array(size).fill(8))
    }
    await program.dispose()
  })

  test(`weights that are on no disk are read once, neighbours together, others not at all${on}`, async () => {
    const far = 2 ** 17 / 4
    const tensors = {
      a: f32([1], [1]),
      b: f32([1], [2]),
      c: f32([far], new Float32Array(far)),
      d: f32([1], [4]),
    }
    const bytes = writeSafetensors(new Map(Object.entries(tensors)))
    const memory = memorySource('a page', new Map([['model.safetensors', bytes]]))
    const reads: number[] = []
    const source: FileSource = {
      ...memory,
      readRange(path, offset, length) {
        reads.push(length)
        return memory.readRange(path, offset, length)
      },
    }
    const checkpoint = await openCheckpoint(source)
    reads.length = 0
    const [a, b, d] = ['a', 'b', 'd'].map((key) => weight(checkpoint.entry(key)))
    const program = await Program.compile('sum', { y: add(add(b!, a!), d!) }, backend)
    assert.deepEqual([...(await program.run({})).y!.data], [7])
    assert.deepEqual(reads, [8, 4])
    await program.dispose()
  })

  test(`a program that was disposed refuses to run${on}`, async () => {
    const program = await Program.compile('gone', { y: mul(x, 2) }, backend)
    await program.dispose()
    await assert.rejects(program.run({ x: f32([1], [1]) }), { code: 'session-disposed' })
  })
}

test('a device that the engine does not know is refused with those that it does', async () => {
  await assert.rejects(Program.compile('none', { y: x }, { ...cpu, device: 'wasm' }), {
    code: 'device-unavailable',
    message: "onnxruntime-node cannot run on 'wasm'. Use one of: cpu, webgpu, cuda.",
  })
})

test('a browser without WebGPU is told to use WebAssembly', async () => {
  await assert.rejects(Program.compile('none', { y: x }, { ...wasm, device: 'webgpu' }), {
    code: 'device-unavailable',
    message: /does not have it. Use the device 'wasm'/,
  })
})

test('want of memory is told apart from a program that the engine refuses', () => {
  const full = new Error("Can't create a session. ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc")
  assert.equal(openError('wasm', full).code, 'out-of-memory')
  assert.match(openError('wasm', full).message, /4 GiB for all models of a page/)
  assert.equal(runFailed(full).code, 'out-of-memory')
  assert.equal(openError('wasm', new Error('INVALID_GRAPH')).code, 'model-refused')
})

test('threads that a page may not have are refused, not dropped', async () => {
  await assert.rejects(Program.compile('many', { y: x }, { ...wasm, threads: 2 }), {
    code: 'threads-unavailable',
    message: /cross-origin isolated/,
  })
})

for (const backend of [native, cpu, wasm])
  test(`weight files of one name in two folders are never mistaken (${backend.engine.name})`, async () => {
    const [one, two] = await Promise.all([
      checkpointIn(`one-${backend.engine.name}`, 3),
      checkpointIn(`two-${backend.engine.name}`, 5),
    ])
    const sums = (a: Checkpoint, b: Checkpoint): Tensor => add(weight(a.entry('w')), weight(b.entry('w')))
    for (const [a, b, sum] of [
      [one, one, 6],
      [one, two, 8],
    ] as const) {
      const program = await Program.compile('both', { y: sums(a, b) }, backend)
      assert.deepEqual([...(await program.run({})).y!.data], [sum])
      await program.dispose()
    }
  })
