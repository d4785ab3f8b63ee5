import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dim } from '../graph/dim.ts'
import { writeOnnx } from '../graph/onnx/write.ts'
import { add, matmul, mul } from '../graph/ops/index.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import { AbortError, EngineError } from '../tensor/errors.ts'
import { f32, type HostTensor, hostTensor, i64, zeros } from '../tensor/tensor.ts'
import { chooseEngine, engineNames } from './default-engine.ts'
import type { Engine, EngineSession } from './engine.ts'

const T = dim('T')
const x = input('x', 'f32', [T])

/** A session of the graph below `outputs`, without weights. */
async function open(engine: Engine, outputs: Record<string, Tensor>): Promise<EngineSession> {
  const { bytes } = await writeOnnx('test', outputs, {
    target: { device: 'cpu' },
    locate: () => undefined,
    values: () => zeros('f32', []),
  })
  return engine.open(bytes, [], { device: 'cpu', threads: 1 })
}

/** A run that takes a while: 200 products of 256 × 256 matrices, each a point at which it can be stopped. */
function slowGraph(): { outputs: Record<string, Tensor>; feeds: Record<string, HostTensor> } {
  const m = input('m', 'f32', [256, 256])
  let y: Tensor = m
  for (let i = 0; i < 200; i++) y = matmul(y, m)
  return { outputs: { y }, feeds: { m: zeros('f32', [256, 256]) } }
}

for (const name of engineNames) {
  const engine = await chooseEngine(name)

  test(`several runs of one session may be under way (${name})`, async () => {
    const session = await open(engine, { y: mul(x, 2) })
    const results = await Promise.all([1, 2, 3, 4].map((v) => session.run({ x: f32([1], [v]) }, ['y'])))
    assert.deepEqual(
      results.map(({ y }) => y!.data[0]),
      [2, 4, 6, 8],
    )
    await session.dispose()
  })

  test(`a result is written into the tensor that the caller gives (${name})`, async () => {
    const session = await open(engine, { y: mul(x, 2), z: add(x, 1) })
    const y = f32([2], [0, 0])
    const results = await session.run({ x: f32([2], [1, 2]) }, ['y', 'z'], { outputs: { y } })
    assert.equal(results.y, y)
    assert.deepEqual([...y.data, ...results.z!.data], [2, 4, 2, 3])
    await assert.rejects(session.run({ x: f32([3], [1, 2, 3]) }, ['y'], { outputs: { y } }), {
      code: 'output-data',
    })
    await session.dispose()
  })

  test(`names that the program does not have, or that are missing, are told (${name})`, async () => {
    const session = await open(engine, { y: mul(x, 2) })
    const feeds = { x: f32([1], [1]) }
    await assert.rejects(session.run({}, ['y']), { code: 'feed-missing', message: /'x'/ })
    await assert.rejects(session.run({ ...feeds, w: f32([], [0]) }, ['y']), { code: 'feed-unknown' })
    await assert.rejects(session.run(feeds, ['z']), { code: 'output-unknown', message: /it has y/ })
    await assert.rejects(session.run(feeds, ['y'], { outputs: { z: f32([], [0]) } }), EngineError)
    await session.dispose()
  })

  test(`data that are not what type and shape say never reach the engine (${name})`, async () => {
    const session = await open(engine, { y: mul(x, 2) })
    const gone = f32([4], [1, 2, 3, 4])
    structuredClone(gone.data.buffer, { transfer: [gone.data.buffer as ArrayBuffer] })
    const refused: Record<string, unknown> = {
      'too few': { dtype: 'f32', shape: [1000], data: new Float32Array(2) },
      'too many': { dtype: 'f32', shape: [1], data: new Float32Array(2) },
      'of another width': { dtype: 'f32', shape: [2], data: new Float64Array(2) },
      'of another kind': { dtype: 'f32', shape: [2], data: new Int32Array(2) },
      'a negative size': { dtype: 'f32', shape: [-1, -2], data: new Float32Array(2) },
      'an endless size': { dtype: 'f32', shape: [Number.POSITIVE_INFINITY], data: new Float32Array(2) },
      'no array': { dtype: 'f32', shape: [2], data: [1, 2] },
      'an unknown type': { dtype: 'f8', shape: [2], data: new Float32Array(2) },
      transferred: gone,
    }
    for (const [why, tensor] of Object.entries(refused)) {
      await assert.rejects(session.run({ x: tensor as HostTensor }, ['y']), { code: 'feed-data' }, why)
      const control = { outputs: { y: tensor as HostTensor } }
      await assert.rejects(session.run({ x: f32([2], [1, 2]) }, ['y'], control), { code: 'output-data' }, why)
    }
    await assert.rejects(session.run({ x: i64([2], [1, 2]) }, ['y']), EngineError)
    await assert.rejects(session.run({ x: f32([2, 1], [1, 2]) }, ['y']), { code: 'run-failed' })
    await session.dispose()
  })

  test(`bytes that are no model are refused (${name})`, async () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array(1000).fill(7)])
      await assert.rejects(engine.open(bytes, [], { device: 'cpu' }), { code: 'model-refused' })
  })

  test(`a session is disposed of once, and refuses to run afterwards (${name})`, async () => {
    const session = await open(engine, { y: mul(x, 2) })
    await Promise.all([session.dispose(), session.dispose()])
    await session.dispose()
    await assert.rejects(session.run({ x: f32([1], [1]) }, ['y']), { code: 'session-disposed' })
  })

  test(`a signal that fired before the run stops it (${name})`, async () => {
    const session = await open(engine, { y: mul(x, 2) })
    await assert.rejects(
      session.run({ x: f32([1], [1]) }, ['y'], { signal: AbortSignal.abort() }),
      AbortError,
    )
    await session.dispose()
  })
}

const native = await chooseEngine('native')
const memory = native.memory!

test('native: a run under way is stopped by its signal, the session lives on', async () => {
  const { outputs, feeds } = slowGraph()
  const session = await open(native, outputs)
  const controller = new AbortController()
  const run = session.run(feeds, ['y'], { signal: controller.signal })
  setImmediate(() => controller.abort())
  await assert.rejects(run, { code: 'aborted' })
  assert.equal((await session.run(feeds, ['y'])).y!.data[0], 0)
  await session.dispose()
})

test('native: disposing of a session stops its runs, which say why', async () => {
  const { outputs, feeds } = slowGraph()
  const session = await open(native, outputs)
  const runs = [1, 2, 3].map(() => session.run(feeds, ['y']))
  const settled = Promise.allSettled(runs)
  await session.dispose()
  for (const run of await settled) {
    assert.equal(run.status, 'rejected')
    assert.equal((run.reason as EngineError).code, 'session-disposed')
  }
})

test('native: the event loop is free while a run is under way', async () => {
  const { outputs, feeds } = slowGraph()
  const session = await open(native, outputs)
  let turns = 0
  let isDone = false
  const count = (): void => {
    turns++
    if (!isDone) setImmediate(count)
  }
  count()
  await session.run(feeds, ['y'])
  isDone = true
  assert.ok(turns > 10, `the loop turned ${turns} times`)
  await session.dispose()
})

test('native: tensors of its memory are read and written in place, feeds of the same run too', async () => {
  const session = await open(native, { y: mul(x, 2) })
  const cells = memory.allocate('f32', [3])
  cells.data.set([1, 2, 3])
  const copied = memory.bytesCopied
  const results = await session.run({ x: cells }, ['y'], { outputs: { y: cells } })
  assert.equal(results.y, cells)
  assert.deepEqual([...cells.data], [2, 4, 6])
  assert.equal(memory.bytesCopied, copied)
  await session.run({ x: f32([3], [1, 2, 3]) }, ['y'])
  assert.equal(memory.bytesCopied, copied + 24)
  await session.dispose()
})

test('native: a part of a tensor of its memory is used where it lies', async () => {
  const session = await open(native, { y: mul(x, 2) })
  const cells = memory.allocate('f32', [6])
  cells.data.set([1, 2, 3, 4, 5, 6])
  const part = (from: number) => hostTensor('f32', [2], cells.data.subarray(from, from + 2))
  await session.run({ x: part(1) }, ['y'], { outputs: { y: part(4) } })
  assert.deepEqual([...cells.data], [1, 2, 3, 4, 4, 6])
  await session.dispose()
})

test('native: results in place must have the type and shape of the program', async () => {
  const session = await open(native, { y: mul(x, 2) })
  const feeds = { x: f32([4], [1, 2, 3, 4]) }
  for (const y of [memory.allocate('f32', [3]), memory.allocate('f32', [2, 2]), memory.allocate('i8', [4])])
    await assert.rejects(session.run(feeds, ['y'], { outputs: { y } }), { code: 'output-data' })
  await session.dispose()
})

test('native: freed memory is refused, twice freed is once freed', async () => {
  const session = await open(native, { y: mul(x, 2) })
  const cells = memory.allocate('f32', [2 ** 20])
  cells.data.fill(3)
  const run = session.run({ x: cells }, ['y'])
  memory.free(cells)
  memory.free(cells)
  assert.equal((await run).y!.data[5], 6)
  assert.equal(cells.data[2 ** 19], process.platform === 'linux' ? 0 : 3)
  await assert.rejects(session.run({ x: cells }, ['y']), { code: 'feed-data', message: /freed/ })
  await session.dispose()
})

test('native: its memory cannot be transferred away', () => {
  const { buffer } = memory.allocate('f32', [4]).data
  assert.throws(() => structuredClone(buffer, { transfer: [buffer as ArrayBuffer] }))
  if ('transfer' in buffer)
    assert.throws(() => (buffer.transfer as () => void)(), { code: 'memory-untransferable' })
})

test('native: small feeds may change while a run is under way, large ones cannot be transferred', async () => {
  const { outputs, feeds } = slowGraph()
  const session = await open(native, outputs)
  const m = feeds.m as HostTensor<'f32'>
  const run = session.run({ m }, ['y'])
  structuredClone(m.data.buffer, { transfer: [m.data.buffer as ArrayBuffer] })
  assert.equal((await run).y!.data[9], 0)
  await session.dispose()

  const double = await open(native, { y: mul(x, 2) })
  const large = new Float32Array(2 ** 20).fill(1)
  const result = double.run({ x: hostTensor('f32', [large.length], large) }, ['y'])
  assert.throws(() => structuredClone(large.buffer, { transfer: [large.buffer] }))
  assert.equal((await result).y!.data[9], 2)
  await double.dispose()
})

test('native: shared and resizable buffers are fed like any other', async () => {
  const session = await open(native, { y: mul(x, 2) })
  const size = 2 ** 20
  const buffers = [
    new SharedArrayBuffer(4 * size),
    Reflect.construct(ArrayBuffer, [4 * size, { maxByteLength: 8 * size }]) as ArrayBuffer,
  ]
  for (const buffer of buffers) {
    const data = new Float32Array(buffer as ArrayBuffer).fill(4)
    const { y } = await session.run({ x: hostTensor('f32', [size], data) }, ['y'])
    assert.equal(y!.data[size - 1], 8)
  }
  await session.dispose()
})

test('native: a large result outlives its session', async () => {
  const session = await open(native, { y: mul(x, 2) })
  const { y } = await session.run({ x: zeros('f32', [2 ** 20]) }, ['y'])
  await session.dispose()
  y!.data.fill(1 as never)
  assert.equal(y!.data[2 ** 20 - 1], 1)
})
