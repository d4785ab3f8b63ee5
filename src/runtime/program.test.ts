import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { openCheckpoint } from '../checkpoint/open.ts'
import { writeSafetensors } from '../checkpoint/write-safetensors.ts'
import { dim } from '../graph/dim.ts'
import { add, mul } from '../graph/ops/index.ts'
import { input, type Tensor, weight } from '../graph/tensor.ts'
import { f32 } from '../tensor/tensor.ts'
import { nodeEngine } from './node-engine.ts'
import { Program } from './program.ts'

const folder = await mkdtemp(join(tmpdir(), 'panoptes-program-'))
after(() => rm(folder, { recursive: true }))

const cpu = { engine: nodeEngine, device: 'cpu', threads: 1 } as const
const x = input('x', 'f32', [dim('T')])

async function checkpointIn(name: string, value: number): Promise<Checkpoint> {
  await mkdir(join(folder, name))
  const file = join(folder, name, 'model.safetensors')
  await writeFile(file, writeSafetensors(new Map([['w', f32([1], [value])]])))
  return openCheckpoint(await folderSource(join(folder, name)))
}

test('only the outputs asked for come back, and feeds of other programs are left aside', async () => {
  const program = await Program.compile('two', { twice: mul(x, 2), more: add(x, 1) }, cpu)
  const results = await program.run({ x: f32([2], [1, 2]), other: f32([], [0]) }, ['more'])
  assert.deepEqual(Object.keys(results), ['more'])
  assert.deepEqual([...results.more!.data], [2, 3])
  await program.dispose()
})

test('a program runs again with other sizes, down to none', async () => {
  const program = await Program.compile('sizes', { y: mul(x, 2) }, cpu)
  for (const size of [3, 0, 1]) {
    const { y } = await program.run({ x: f32([size], Array(size).fill(4)) })
    assert.deepEqual([...y!.shape], [size])
    assert.deepEqual([...y!.data], Array(size).fill(8))
  }
  await program.dispose()
})

test('a device that the engine does not know is refused with those that it does', async () => {
  await assert.rejects(Program.compile('none', { y: x }, { ...cpu, device: 'wasm' }), {
    code: 'device-unavailable',
    message: "onnxruntime-node cannot run on 'wasm'. Use one of: cpu, webgpu, cuda.",
  })
})

test('weight files of one name in two folders are never mistaken for each other', async () => {
  const [one, two] = [await checkpointIn('one', 3), await checkpointIn('two', 5)] as const
  const sums = (a: Checkpoint, b: Checkpoint): Tensor => add(weight(a.entry('w')), weight(b.entry('w')))
  await assert.rejects(Program.compile('both', { y: sums(one, two) }, cpu), { code: 'weights-scattered' })
  const program = await Program.compile('one', { y: sums(one, one) }, cpu)
  assert.deepEqual([...(await program.run({})).y!.data], [6])
  await program.dispose()
})
