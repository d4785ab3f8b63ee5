import { after, test } from 'node:test'
import { closeTo } from '../../tests/close-to.ts'
import { seededFloats } from '../../tests/finite-differences.ts'
import { checkpointOf } from '../checkpoint/entries.ts'
import { dim } from '../graph/dim.ts'
import { input } from '../graph/tensor.ts'
import { Weights } from '../graph/weights.ts'
import { chooseEngine } from '../runtime/default-engine.ts'
import { Program } from '../runtime/program.ts'
import { f32, type HostTensor } from '../tensor/tensor.ts'
import { decoderGraph, decoderGraphInputs } from '../train/decoder-graph.ts'
import { DecoderPrograms } from './programs.ts'
import { decoderOf } from './registry.ts'
import { DecoderSequence } from './sequence.ts'

/** Phi-3 at toy size, whose rotary factors change behind position 600. */
const decoder = decoderOf(
  {
    ...{ architectures: ['Phi3ForCausalLM'], vocab_size: 11, hidden_size: 16, num_attention_heads: 2 },
    ...{ num_key_value_heads: 1, intermediate_size: 8, num_hidden_layers: 2, rms_norm_eps: 1e-5 },
    ...{ max_position_embeddings: 2000, original_max_position_embeddings: 600 },
    rope_scaling: { type: 'su', short_factor: [1, 1, 1, 1], long_factor: [1.5, 2, 3, 4] },
  } as { architectures: string[] },
  'test',
)
const random = seededFloats(5, -0.4, 0.4)
const randomTensor = (shape: readonly number[]): HostTensor<'f32'> =>
  f32(shape, Array.from({ length: shape.reduce((a, b) => a * b, 1) }, random))
const checkpoint = checkpointOf(
  'toy',
  new Map(Object.entries(decoder.shapes).map(([key, shape]) => [key, randomTensor(shape)])),
)
const compile = { engine: await chooseEngine(), device: 'cpu', threads: 1 } as const
const programs = await DecoderPrograms.compile(decoder, new Weights(checkpoint), { compile })
after(() => programs.dispose())

/** All logits of a prompt in one pass without a cache. */
async function onePass(embeddings: HostTensor<'f32'>): Promise<HostTensor> {
  const [B, T, H] = [dim('B'), dim('T'), decoder.hiddenSize]
  const logits = decoderGraph(decoder, new Weights(checkpoint), input('embeddings', 'f32', [B, T, H]))
  const program = await Program.compile('one pass', { logits }, compile)
  const valid = [Array<boolean>(embeddings.shape[1]!).fill(true)]
  const outputs = await program.run({ embeddings, ...decoderGraphInputs(decoder, valid) })
  await program.dispose()
  return outputs.logits!
}

async function logitsOf(hidden: HostTensor<'f32'>): Promise<HostTensor> {
  const [, T, H] = hidden.shape as [number, number, number]
  const { logits } = await programs.logits({ ...hidden, shape: [T, H] })
  return { ...logits, shape: [1, T, logits.shape[1]!] }
}

for (const length of [100, 550, 700, 1200])
  test(`a prompt of ${length} tokens read in chunks equals one pass`, async () => {
    const embeddings = randomTensor([1, length, 16])
    const { hidden } = await new DecoderSequence(programs).extend(embeddings)
    closeTo(await logitsOf(hidden), await onePass(embeddings), { atol: 2e-5, rtol: 1e-4 })
  })

test('a prefix may serve a prompt only where its rotary frequencies are the same', async () => {
  const sequence = new DecoderSequence(programs)
  await sequence.extend(randomTensor([1, 590, 16]))
  const agrees = [595, 600, 601].map((length) => sequence.agreesWithLength(length))
  closeTo(f32([3], agrees.map(Number)), f32([3], [1, 1, 0]))
})
