import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { closeTo } from '../../../tests/close-to.ts'
import { checkpointOf } from '../../checkpoint/entries.ts'
import { folderSource } from '../../checkpoint/folder.ts'
import { openCheckpoint } from '../../checkpoint/open.ts'
import { writeSafetensors } from '../../checkpoint/write-safetensors.ts'
import { chooseEngine } from '../../runtime/default-engine.ts'
import { Program } from '../../runtime/program.ts'
import { f32ToBf16, f32ToF16 } from '../../tensor/half.ts'
import { f32, type HostTensor, hostTensor, i64 } from '../../tensor/tensor.ts'
import { addDims, type Dim, dim, exactQuotient, mulDims } from '../dim.ts'
import {
  add,
  concat,
  dimension,
  embedding,
  linearProduct,
  matmul,
  mul,
  reshape,
  slice,
  sum,
} from '../ops/index.ts'
import { constant, input, scalar, type Tensor, tap, weight } from '../tensor.ts'
import { Weights } from '../weights.ts'
import { bindShapes } from './write.ts'

const folder = await mkdtemp(join(tmpdir(), 'panoptes-write-'))
after(() => rm(folder, { recursive: true }))

const engine = await chooseEngine()
const compile = (outputs: Record<string, Tensor>, taps = false): Promise<Program> =>
  Program.compile('small', outputs, { engine, device: 'cpu', threads: 1, taps })

async function run(
  outputs: Record<string, Tensor>,
  feeds: Record<string, HostTensor>,
  taps = false,
): Promise<Record<string, HostTensor>> {
  const program = await compile(outputs, taps)
  const results = await program.run(feeds)
  await program.dispose()
  return results
}

const T = dim('T')
const x = input('x', 'f32', [T, 2])
const feed = f32([2, 2], [1, 2, 3, 4])
const numbers = f32([2, 2], [1, -2, 0.5, 4])

test('named values become outputs when taps are asked for, and only then', async () => {
  const y = add(tap('doubled', mul(x, 2)), 1)
  assert.deepEqual(Object.keys(await run({ y }, { x: feed })), ['y'])
  const results = await run({ y }, { x: feed }, true)
  closeTo(results.doubled!, f32([2, 2], [2, 4, 6, 8]))
  closeTo(results.y!, f32([2, 2], [3, 5, 7, 9]))
})

test('an output may be an input, a constant or the value of another output', async () => {
  const results = await run({ a: x, b: x, c: scalar(3), d: constant(i64([0], [])) }, { x: feed })
  closeTo(results.a!, feed)
  closeTo(results.b!, feed)
  closeTo(results.c!, f32([], [3]))
  closeTo(results.d!, i64([0], []))
})

test('rank 0 goes in and out', async () => {
  const s = input('s', 'f32', [])
  closeTo((await run({ y: mul(s, sum(x)) }, { x: feed, s: f32([], [2]) })).y!, f32([], [20]))
})

test('sizes that no input has are refused, in shapes and in attributes', async () => {
  const refusal = { name: 'GraphError', code: 'unbound-symbol', message: /'P'/ }
  await assert.rejects(compile({ y: add(x, sumOfFirst('P')) }), refusal)
  await assert.rejects(compile({ y: slice(x, 0, dim('P'), addDims(dim('P'), 1)) }), refusal)
})

/** Σ of x's first rows, as many as the symbol says. */
function sumOfFirst(symbol: string): Tensor {
  return sum(slice(x, 0, 0, dim(symbol)))
}

test('a size such as P + T is read from the input that has it', async () => {
  const total = addDims(dim('P'), T)
  const mask = input('mask', 'f32', [total, 1])
  closeTo(
    (await run({ y: reshape(mask, [1, 1, total]) }, { mask: f32([3, 1], [1, 2, 3]) })).y!,
    f32([1, 1, 3], [1, 2, 3]),
  )
  closeTo((await run({ y: dimension(total, mask) }, { mask: f32([3, 1], [1, 2, 3]) })).y!, i64([], [3]))
})

test('two different inputs of one name are refused, as are an input and an output', async () => {
  const other = input('x', 'f32', [T, 2])
  await assert.rejects(compile({ y: add(x, other) }), {
    name: 'GraphError',
    code: 'input-twice',
    message: /'x'/,
  })
  await assert.rejects(compile({ x: mul(x, 2) }), { name: 'GraphError', code: 'name-twice', message: /'x'/ })
})

test('half-precision weights are multiplied as f32, from memory and from files', async () => {
  const tensors = new Map<string, HostTensor>([
    ['full', numbers],
    ['half', hostTensor('f16', [2, 2], f32ToF16(numbers.data))],
    ['brain', hostTensor('bf16', [2, 2], f32ToBf16(numbers.data))],
    ['ids', i64([2], [1, 0])],
  ])
  await writeFile(join(folder, 'model.safetensors'), writeSafetensors(tensors))
  const stored = await openCheckpoint(await folderSource(folder))
  assert.ok(stored.entry('brain').place, 'the engine can map the file')
  for (const checkpoint of [stored, checkpointOf('memory', tensors)]) {
    const w = new Weights(checkpoint)
    const results = await run(
      {
        full: linearProduct(x, w.get('full')),
        half: linearProduct(x, w.get('half')),
        brain: linearProduct(x, w.get('brain')),
        rows: embedding(w.get('brain'), w.get('ids')),
        weight: w.get('half'),
      },
      { x: feed },
    )
    for (const name of ['full', 'half', 'brain'])
      closeTo(results[name]!, f32([2, 2], [-3, 8.5, -5, 17.5]), { name })
    closeTo(results.rows!, f32([2, 2], [0.5, 4, 1, -2]))
    closeTo(results.weight!, numbers)
  }
})

test('weights of one key from two checkpoints stay apart, and one entry is stored once', async () => {
  const [one, two] = [3, 5].map((value) => checkpointOf('memory', new Map([['w', f32([1], [value])]])))
  const y = concat([weight(one!.entry('w')), weight(two!.entry('w')), weight(one!.entry('w'))], 0)
  closeTo((await run({ y }, {})).y!, f32([3], [3, 5, 3]))
})

test('a weight and an input may have the same name', async () => {
  const w = new Weights(checkpointOf('memory', new Map([['x', numbers]])))
  closeTo((await run({ y: matmul(x, w.get('x')) }, { x: feed })).y!, f32([2, 2], [2, 6, 5, 10]))
})

test('feeds that are missing or do not fit are refused with what was expected', async () => {
  const program = await compile({ y: matmul(x, input('k', 'f32', [2, T])) })
  const refused = (message: string): object => ({ name: 'EngineError', code: 'feed-shape', message })
  await assert.rejects(
    program.run({ x: feed }),
    refused("Program 'small' takes k as f32[2, T], but was given nothing (with T = 2)."),
  )
  await assert.rejects(
    program.run({ x: feed, k: f32([2, 3], [1, 2, 3, 4, 5, 6]) }),
    refused("Program 'small' takes k as f32[2, T], but was given f32[2, 3] (with T = 2)."),
  )
  await assert.rejects(
    program.run({ x: i64([2, 2], [1, 2, 3, 4]), k: feed }),
    refused("Program 'small' takes x as f32[T, 2], but was given i64[2, 2]."),
  )
  await program.dispose()
})

test('a size such as P + T must be the sum of what P and T are', () => {
  const inputs = new Map<string, { dtype: 'f32'; shape: Dim[] }>([
    ['mask', { dtype: 'f32', shape: [addDims(dim('P'), T)] }],
    ['past', { dtype: 'f32', shape: [dim('P')] }],
    ['new', { dtype: 'f32', shape: [T] }],
  ])
  const feeds = (mask: number): Record<string, { dtype: string; shape: number[] }> => ({
    mask: { dtype: 'f32', shape: [mask] },
    past: { dtype: 'f32', shape: [0] },
    new: { dtype: 'f32', shape: [4] },
  })
  assert.equal(bindShapes('decoder', inputs, feeds(4)).get('T'), 4)
  assert.throws(() => bindShapes('decoder', inputs, feeds(5)), {
    code: 'feed-shape',
    message: /mask as f32\[P \+ T\]|mask as f32\[T \+ P\]/,
  })
})

test('a program that was disposed says so', async () => {
  const program = await compile({ y: mul(x, 2) })
  await program.dispose()
  await program.dispose()
  await assert.rejects(program.run({ x: feed }), { name: 'EngineError', code: 'session-disposed' })
})

test('a quotient by a sum of symbols infers a reshaped size', async () => {
  const total = addDims(dim('P'), T)
  assert.equal(exactQuotient(mulDims(total, 4), total), 4)
  const parts = concat([input('p', 'f32', [dim('P'), 2]), x], 0)
  const y = reshape(parts, [total, -1, 1])
  closeTo((await run({ y }, { p: f32([0, 2], []), x: feed })).y!, f32([2, 2, 1], [1, 2, 3, 4]))
})
