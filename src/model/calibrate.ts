import { checkpointOf } from '../checkpoint/entries.ts'
import { chunkTokens, DecoderPrograms } from '../decoders/programs.ts'
import { decoderOf } from '../decoders/registry.ts'
import { DecoderSequence } from '../decoders/sequence.ts'
import { internVit } from '../encoders/internvit.ts'
import { internVitConfig, internVitShapes } from '../encoders/internvit-config.ts'
import { seededRandom } from '../generate/random.ts'
import { input } from '../graph/tensor.ts'
import { type Shapes, Weights } from '../graph/weights.ts'
import type { Work } from '../graph/work.ts'
import { type Precision, precisionsOf } from '../runtime/precision.ts'
import { type CompileOptions, Program } from '../runtime/program.ts'
import { elementCount, type HostTensor, hostTensor, zeros } from '../tensor/tensor.ts'
import type { Speeds } from './speeds.ts'

/** One block of InternViT-300M at 448 pixels. */
const visionConfig = internVitConfig.parse({
  ...{ hidden_size: 1024, num_attention_heads: 16, intermediate_size: 4096, num_hidden_layers: 1 },
  ...{ patch_size: 14, image_size: 448, qkv_bias: true, qk_normalization: false },
  ...{ norm_type: 'layer_norm', layer_norm_eps: 1e-6, hidden_act: 'gelu' },
})

/** One block of InternLM2-1.8B, with a small vocabulary. */
const decoder = decoderOf(
  {
    ...{ architectures: ['InternLM2ForCausalLM'], vocab_size: 1024, hidden_size: 2048 },
    ...{ num_attention_heads: 16, num_key_value_heads: 8, intermediate_size: 8192, num_hidden_layers: 1 },
    ...{ max_position_embeddings: 32768, rms_norm_eps: 1e-5, rope_theta: 1e6 },
  } as { architectures: readonly string[] },
  'the calibration',
)

/** Tokens that a decoder reads at a time, and how long the cache is behind which it is measured again. */
const [chunk, longCache] = [chunkTokens, 3072]

/**
 * Measures a machine in one precision, in a few seconds: a vision block, and a decoder block that reads many tokens and
 * one, behind a short and a long cache, by the programs that models run. The best run counts: forecasts are for a
 * machine that does nothing else. Before a single token the processor's caches are emptied, since between two of a
 * model's tokens all its other weights pass through them.
 * @throws EngineError `precision-unavailable`
 */
export async function calibrate(precision: Precision, compile: CompileOptions): Promise<Speeds> {
  const options = { ...compile, precision: precisionsOf(precision), keepsBothForms: true }
  return { vision: await visionSpeed(options), ...(await decoderSpeeds(options)) }
}

async function visionSpeed(compile: CompileOptions): Promise<number> {
  const w = new Weights(randomCheckpoint(internVitShapes(visionConfig)))
  const side = visionConfig.image_size
  const { hiddenStates } = internVit(w, input('pixels', 'f32', [1, 3, side, side]), visionConfig)
  const program = await Program.compile('calibration', { y: hiddenStates.at(-1)! }, compile)
  try {
    const pixels = zeros('f32', [1, 3, side, side])
    const seconds = await bestOf(3, () => program.run({ pixels }))
    const { linear, attention } = program.work({})
    return (linear + attention) / seconds
  } finally {
    await program.dispose()
  }
}

async function decoderSpeeds(compile: CompileOptions): Promise<Omit<Speeds, 'vision'>> {
  const w = new Weights(randomCheckpoint(decoder.shapes))
  const programs = await DecoderPrograms.compile(decoder, w, { compile: { ...compile, part: 'decoder' } })
  try {
    const many = randomTensor([1, chunk, decoder.hiddenSize])
    const one = randomTensor([1, 1, decoder.hiddenSize])
    const sequence = new DecoderSequence(programs)
    const timed = (tokens: HostTensor<'f32'>, held: number, times: number, before = (): void => {}) =>
      bestOf(
        times,
        () => sequence.extend(tokens),
        () => {
          sequence.truncate(held)
          before()
        },
      )
    const sweep = cacheSweep()
    const readAtStart = await timed(many, 0, 3)
    const stepAtStart = await timed(one, chunk, 10, sweep)
    while (sequence.length < longCache) await sequence.extend(many)
    const readBehind = await timed(many, longCache - chunk, 3)
    const stepBehind = await timed(one, longCache, 10, sweep)
    const head = programs.work(1, 0).linear - programs.firstStageWork(1).linear
    const blocks = (tokens: number, past: number): Work => {
      const { linear, attention, weights } = programs.work(tokens, past)
      return { linear: linear - head, attention, weights: weights - head }
    }
    const read = solve(blocks(chunk, 0), readAtStart, blocks(chunk, longCache - chunk), readBehind, 'linear')
    const step = solve(blocks(1, chunk), stepAtStart, blocks(1, longCache), stepBehind, 'weights')
    return {
      prefill: { linear: read.first, attention: read.attention },
      step: { weights: step.first, attention: step.attention },
    }
  } finally {
    await programs.dispose()
  }
}

/** Two rates out of two measurements; noise must not make one of them negative. */
function solve(
  a: Work,
  secondsA: number,
  b: Work,
  secondsB: number,
  first: 'linear' | 'weights',
): { first: number; attention: number } {
  const perAttention = Math.max(0, (secondsB - secondsA) / (b.attention - a.attention))
  const rest = Math.max(secondsA - perAttention * a.attention, secondsA / 4)
  return { first: a[first] / rest, attention: perAttention > 0 ? 1 / perAttention : Number.MAX_VALUE }
}

/**
 * Reads more bytes than a processor's caches hold. It writes none: what waits to be written back would slow the run that
 * is measured.
 */
function cacheSweep(): () => void {
  const values = new Float64Array(sweepBytes / 8).fill(0) // filled, or all its pages are one
  return () => void values.indexOf(1)
}

const sweepBytes = 2 ** 28

/** The shortest of some runs, in seconds; `before` each is not measured. */
async function bestOf(times: number, run: () => Promise<unknown>, before = (): void => {}): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  before()
  await run() // what is allocated at the first run is not measured
  for (let i = 0; i < times; i++) {
    before()
    const began = performance.now()
    await run()
    best = Math.min(best, (performance.now() - began) / 1000)
  }
  return best
}

function randomCheckpoint(shapes: Shapes) {
  return checkpointOf(
    'the calibration',
    new Map(Object.entries(shapes).map(([key, shape]) => [key, randomTensor(shape)])),
  )
}

/** Small values, cheaply: a short stretch of random numbers over and over. */
function randomTensor(shape: readonly number[]): HostTensor<'f32'> {
  const random = seededRandom(1)
  const stretch = Float32Array.from({ length: 8191 }, () => (random() - 0.5) / 16)
  const data = new Float32Array(elementCount(shape))
  for (let at = 0; at < data.length; at += stretch.length) data.set(stretch.subarray(0, data.length - at), at)
  return hostTensor('f32', shape, data)
}
