import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { seededFloats } from '../../tests/finite-differences.ts'
import { checkpointOf } from '../checkpoint/entries.ts'
import { dim } from '../graph/dim.ts'
import { input } from '../graph/tensor.ts'
import { Weights } from '../graph/weights.ts'
import { chooseEngine, engineNames } from '../runtime/default-engine.ts'
import { Program } from '../runtime/program.ts'
import { f32, type HostTensor } from '../tensor/tensor.ts'
import { decoderGraph, decoderGraphInputs } from '../train/decoder-graph.ts'
import type { Decoder } from './decoder.ts'
import { DecoderPrograms } from './programs.ts'
import { decoderOf } from './registry.ts'
import { DecoderSequence } from './sequence.ts'

/** Phi-3 at toy size, whose rotary factors change behind position 600. */
const decoder = decoderOf(
  {
    ...{ architectures: ['Phi3ForCausalLM'], vocab_size: 11, hidden_size: 32, num_attention_heads: 2 },
    ...{ num_key_value_heads: 1, intermediate_size: 8, num_hidden_layers: 3, rms_norm_eps: 1e-5 },
    ...{ max_position_embeddings: 2000, original_max_position_embeddings: 600 },
    rope_scaling: {
      type: 'su',
      short_factor: [1, 1, 1, 1, 1, 1, 1, 1],
      long_factor: [1.5, 2, 3, 4, 4, 5, 5, 6],
    },
  } as { architectures: string[] },
  'test',
)
const random = seededFloats(5, -0.4, 0.4)
const randomTensor = (shape: readonly number[]): HostTensor<'f32'> =>
  f32(shape, Array.from({ length: shape.reduce((a, b) => a * b, 1) }, random))
const randomCheckpoint = ({ shapes }: Decoder) =>
  checkpointOf('toy', new Map(Object.entries(shapes).map(([key, shape]) => [key, randomTensor(shape)])))
const checkpoint = randomCheckpoint(decoder)
const tolerance = { atol: 2e-5, rtol: 1e-4 }

for (const name of engineNames) {
  const compile = { engine: await chooseEngine(name), device: 'cpu', threads: 1 } as const
  // Two stages, as systems that look inside the chain have them.
  const programs = await DecoderPrograms.compile(decoder, new Weights(checkpoint), { compile, cuts: [1] })
  after(() => programs.dispose())

  const logitsOf = async (hidden: HostTensor<'f32'>): Promise<HostTensor> => {
    const [B, T, H] = hidden.shape as [number, number, number]
    const { logits } = await programs.logits({ ...hidden, shape: [B * T, H] })
    return { ...logits, shape: [B, T, logits.shape[1]!] }
  }

  /** All logits of a prompt in one pass without a cache. */
  const onePass = async (embeddings: HostTensor<'f32'>): Promise<HostTensor> => {
    const [B, T, H] = [dim('B'), dim('T'), decoder.hiddenSize]
    const logits = decoderGraph(decoder, new Weights(checkpoint), input('embeddings', 'f32', [B, T, H]))
    const program = await Program.compile('one pass', { logits }, compile)
    const valid = Array.from({ length: embeddings.shape[0]! }, () =>
      Array<boolean>(embeddings.shape[1]!).fill(true),
    )
    const outputs = await program.run({ embeddings, ...decoderGraphInputs(decoder, valid) })
    await program.dispose()
    return outputs.logits!
  }

  for (const length of [100, 550, 700, 1200])
    test(`a prompt of ${length} tokens read in chunks equals one pass (${name})`, async () => {
      const embeddings = randomTensor([1, length, 32])
      const { hidden } = await new DecoderSequence(programs).extend(embeddings)
      closeTo(await logitsOf(hidden), await onePass(embeddings), tolerance)
      const last = await new DecoderSequence(programs).extend(embeddings, { lastOnly: true })
      assert.deepEqual(last.hidden.shape, [1, 1, 32])
      assert.deepEqual([...last.hidden.data], [...hidden.data.slice(-32)])
    })

  test(`the ids of a long text are looked up in parts (${name})`, async () => {
    const { data } = await programs.embed([Array.from({ length: 1030 }, (_, i) => i % 11)])
    const all = [...(await programs.embed([Array.from({ length: 11 }, (_, i) => i)])).data]
    for (let from = 0; from < 1030; from += 11) {
      const rows = [...data.subarray(from * 32, (from + 11) * 32)]
      assert.deepEqual(rows, all.slice(0, rows.length))
    }
  })

  test(`the work of a prompt is that of its chunks, and of the head once (${name})`, () => {
    const [first, second, step] = [programs.work(512, 0), programs.work(188, 512), programs.work(1, 0)]
    const { linear, attention } = programs.promptWork(700)
    assert.equal(attention, first.attention + second.attention)
    // 512 tokens see 512, and 188 see 700; all at once 700 would see 700.
    assert.equal(attention / programs.work(700, 0).attention, (512 ** 2 + 188 * 700) / 700 ** 2)
    assert.equal(linear, programs.work(700, 0).linear)
    assert.ok(step.linear > programs.firstStageWork(1).linear)
  })

  test(`tokens decoded one by one equal one pass, over cells that grow (${name})`, async () => {
    const embeddings = randomTensor([1, 140, 32])
    const sequence = new DecoderSequence(programs)
    await sequence.extend(part(embeddings, 0, 120))
    for (let t = 120; t < 140; t++) {
      const { hidden } = await sequence.extend(part(embeddings, t, t + 1))
      if (t < 139) continue
      closeTo(await logitsOf(hidden), last(await onePass(embeddings)), tolerance)
    }
  })

  test(`rows that fork, are exchanged and forgotten go on as their prompts would (${name})`, async () => {
    const [one, two] = [randomTensor([1, 9, 32]), randomTensor([1, 9, 32])]
    const sequence = new DecoderSequence(programs, { batch: 2 })
    await sequence.extend(rows(part(one, 0, 6), part(two, 0, 6)))
    sequence.selectRows([1, 0])
    sequence.selectRows([1, 1, 0])
    await sequence.extend(rows(part(one, 6, 7), part(one, 7, 8), part(two, 6, 7)))
    sequence.selectRows([0, 2])
    const { hidden } = await sequence.extend(rows(part(one, 7, 9), part(two, 7, 9)))
    closeTo(await logitsOf(hidden), part(await onePass(rows(one, two)), 7, 9), tolerance)
  })

  test(`a shorter prompt padded at the left reads as it does alone (${name})`, async () => {
    const short = randomTensor([1, 4, 32])
    const sequence = new DecoderSequence(programs, { padding: [0, 3] })
    const padded = { ...short, shape: [1, 7, 32], data: new Float32Array(7 * 32) }
    padded.data.set(short.data, 3 * 32)
    await sequence.extend(part(rows(randomTensor([1, 7, 32]), padded), 0, 6))
    const { hidden } = await sequence.extend(part(rows(randomTensor([1, 7, 32]), padded), 6, 7))
    closeTo(row(await logitsOf(hidden), 1), last(await onePass(short)), tolerance)
  })

  test(`a prompt that was aborted goes on from the chunks that were done (${name})`, async () => {
    const embeddings = randomTensor([1, 1030, 32])
    const sequence = new DecoderSequence(programs)
    const controller = new AbortController()
    const reading = sequence.extend(embeddings, {
      signal: controller.signal,
      onTokens: () => controller.abort(),
    })
    await assert.rejects(reading, { code: 'aborted' })
    assert.equal(sequence.length, 512)
    sequence.truncate(500)
    const { hidden } = await sequence.extend(part(embeddings, 500, 1030))
    const { hidden: whole } = await new DecoderSequence(programs).extend(embeddings)
    closeTo(last(hidden), last(whole), tolerance)
  })

  test(`a sequence that was disposed of holds nothing (${name})`, async () => {
    const sequence = new DecoderSequence(programs)
    await sequence.extend(randomTensor([1, 20, 32]))
    assert.ok(sequence.cache.sizeBytes > 0)
    sequence.dispose()
    sequence.dispose()
    assert.deepEqual([sequence.length, sequence.cache.sizeBytes], [0, 0])
  })

  test(`a prefix may serve a prompt only where its rotary frequencies are the same (${name})`, async () => {
    const sequence = new DecoderSequence(programs)
    await sequence.extend(randomTensor([1, 590, 32]))
    const agrees = [595, 600, 601].map((length) => sequence.agreesWithLength(length))
    closeTo(f32([3], agrees.map(Number)), f32([3], [1, 1, 0]))
  })
}

test('native: a token copies nothing of the cache, and a few hundred numbers in all', async () => {
  const engine = await chooseEngine('native')
  const programs = await DecoderPrograms.compile(decoder, new Weights(checkpoint), {
    compile: { engine, device: 'cpu', threads: 1 },
  })
  const sequence = new DecoderSequence(programs)
  await sequence.extend(randomTensor([1, 300, 32]))
  const cached = sequence.cache.bytesCopied
  const copied = engine.memory!.bytesCopied
  await sequence.extend(randomTensor([1, 1, 32]))
  assert.equal(sequence.cache.bytesCopied, cached)
  // In goes the hidden state and two integers, out comes the hidden state.
  assert.equal(engine.memory!.bytesCopied - copied, 2 * 4 * 32 + 4 + 4)
  await programs.dispose()
})

/** Whose queries, keys and values come side by side, mixed by key head, and one by one. */
for (const family of ['Phi3ForCausalLM', 'InternLM2ForCausalLM', 'LlamaForCausalLM'])
  test(`native: an int8 cache answers as float32 does but for rounding, in a quarter of the memory (${family})`, () =>
    answersAlike(family))

async function answersAlike(family: string): Promise<void> {
  const compile = { engine: await chooseEngine('native'), device: 'cpu', threads: 1 } as const
  const grouped = decoderOf(
    {
      ...{ architectures: [family], vocab_size: 11, hidden_size: 64, num_attention_heads: 4 },
      ...{ num_key_value_heads: 2, intermediate_size: 8, num_hidden_layers: 3, rms_norm_eps: 1e-5 },
      max_position_embeddings: 2000,
    } as { architectures: string[] },
    'test',
  )
  const weights = randomCheckpoint(grouped)
  const compiled = (kvCache: 'fp32' | 'int8') =>
    DecoderPrograms.compile(grouped, new Weights(weights), { compile: { ...compile, kvCache }, cuts: [1] })
  const [exact, narrow] = await Promise.all([compiled('fp32'), compiled('int8')])
  const [a, b] = [new DecoderSequence(exact), new DecoderSequence(narrow)]
  const both = async (tokens: number) => {
    const embeddings = randomTensor([a.cache.batch, tokens, 64])
    const [x, y] = [await a.extend(embeddings), await b.extend(embeddings)]
    const shape = [a.cache.batch, 64]
    const { logits: expected } = await exact.logits({ ...last(x.hidden), shape })
    const { logits } = await exact.logits({ ...last(y.hidden), shape })
    closeTo(logits, expected, { atol: 0.01, rtol: 0.01 })
  }
  await both(300)
  assert.equal(b.cache.isNarrow, false)
  for (let i = 0; i < 3; i++) await both(1)
  assert.equal(b.cache.isNarrow, true)
  assert.equal(4 * b.cache.sizeBytes, a.cache.sizeBytes)
  await both(20) // a few words are read over 8 bits
  assert.equal(b.cache.isNarrow, true)
  for (const sequence of [a, b]) sequence.truncate(250)
  await both(100) // a prompt is not
  assert.equal(b.cache.isNarrow, false)
  await both(1)
  for (const sequence of [a, b]) sequence.selectRows([0, 0])
  await both(1)
  await Promise.all([exact.dispose(), narrow.dispose()])
}

test('an int8 cache is refused where it would have no effect', async () => {
  const compile = { engine: await chooseEngine('onnxruntime-node'), device: 'cpu', kvCache: 'int8' } as const
  await assert.rejects(DecoderPrograms.compile(decoder, new Weights(checkpoint), { compile }), {
    code: 'option-without-effect',
  })
})

/** Tokens `from` to `to` of every row. */
function part<T extends HostTensor>(x: T, from: number, to: number): T {
  const [B, T, H] = x.shape as [number, number, number]
  const values = x.data as Float32Array
  const parts = Array.from({ length: B }, (_, b) => values.slice((b * T + from) * H, (b * T + to) * H))
  return { ...x, shape: [B, to - from, H], data: Float32Array.from(parts.flatMap((p) => [...p])) }
}

/** The last token of every row. */
const last = <T extends HostTensor>(x: T): T => part(x, x.shape[1]! - 1, x.shape[1]!)

/** Row b alone. */
function row(x: HostTensor, b: number): HostTensor {
  const [, T, H] = x.shape as [number, number, number]
  return f32([1, T, H], (x.data as Float32Array).slice(b * T * H, (b + 1) * T * H))
}

/** Rows under one another. */
function rows(...parts: readonly HostTensor<'f32'>[]): HostTensor<'f32'> {
  const [, T, H] = parts[0]!.shape as [number, number, number]
  return f32(
    [parts.length, T, H],
    parts.flatMap(({ data }) => [...data]),
  )
}
