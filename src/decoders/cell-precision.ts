import { dim } from '../graph/dim.ts'
import { add, cast, concat, max, mul, quantiseRows, reshape, split, sqrt } from '../graph/ops/index.ts'
import { input, type Tensor } from '../graph/tensor.ts'
import type { NamedTensors } from '../runtime/engine.ts'
import type { Cells } from '../runtime/kv-cache.ts'
import { Late } from '../runtime/late.ts'
import { type CompileOptions, Program } from '../runtime/program.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import type { Decoder } from './decoder.ts'

/** Tokens to come may be larger than those seen; beyond the scale's range they are cut off. */
const headroom = 1.1

/** Keeps a channel of zeros from dividing by zero. */
const leastPeak = 1e-30

/**
 * Turns a cache's cells from float32 into 8 bits and back. A channel's scale covers its largest value among the cells
 * there are. Rotary turns pairs of key channels into one another from position to position, so both get the pair's
 * largest radius.
 */
export class CellPrecision {
  readonly #narrow: Readonly<Record<'key' | 'value', Late<Program>>>
  readonly #widen: Late<Program>
  readonly #decoder: Decoder
  readonly #factors = new WeakMap<HostTensor, HostFactors>()

  constructor(decoder: Decoder, compile: CompileOptions) {
    const { kvHeads, headSize } = decoder
    this.#decoder = decoder
    const late = (name: string, outputs: () => Record<string, Tensor>): Late<Program> =>
      new Late(() => Program.compile(name, outputs(), { ...compile, precision: undefined }))
    this.#narrow = {
      key: late('keys to 8 bits', () => narrow(pairPeaks, kvHeads, headSize)),
      value: late('values to 8 bits', () => narrow(channelPeaks, kvHeads, headSize)),
    }
    this.#widen = late('cells to floats', () => widen(kvHeads, headSize))
  }

  /** f32 cells → i8 cells and their scale, written into `into` of the same shape. */
  async narrow(kind: 'key' | 'value', { tensor }: Cells, into: HostTensor): Promise<Cells> {
    const program = await this.#narrow[kind].get()
    const { scale } = await program.run({ cells: tensor }, undefined, { outputs: { narrow: into } })
    return { tensor: into, scale: scale! }
  }

  /** i8 cells and their scale → f32 cells, written into `into` of the same shape. */
  async widen({ tensor, scale }: Cells, into: HostTensor): Promise<Cells> {
    const program = await this.#widen.get()
    const feeds: NamedTensors = { cells: tensor, scale: scale! }
    await program.run(feeds, undefined, { outputs: { wide: into } })
    return { tensor: into }
  }

  /** What a layer's attention multiplies by, computed once for its scales [kv·D]. */
  factors(keyScale: HostTensor, valueScale: HostTensor): HostFactors {
    const known = this.#factors.get(keyScale)
    if (known) return known
    const made = hostFactors(keyScale.data as Float32Array, valueScale.data as Float32Array, this.#decoder)
    this.#factors.set(keyScale, made)
    return made
  }

  async dispose(): Promise<void> {
    for (const program of [this.#narrow.key, this.#narrow.value, this.#widen]) await program.dispose()
  }
}

/** The values of `CellFactors`. */
interface HostFactors {
  readonly before: HostTensor
  readonly after: HostTensor
}

function hostFactors(
  keys: Float32Array,
  values: Float32Array,
  { heads, kvHeads, headSize }: Decoder,
): HostFactors {
  const width = heads * headSize
  /** Each query head has the scales of its key head. */
  const overQueries = (scales: Float32Array): Float32Array =>
    Float32Array.from({ length: width }, (_, i) => {
      const keyHead = Math.floor((Math.floor(i / headSize) * kvHeads) / heads)
      return scales[keyHead * headSize + (i % headSize)]!
    })
  const before = new Float32Array(width + 2 * keys.length)
  before.set(overQueries(keys))
  before.set(
    keys.map((scale) => 1 / scale),
    width,
  )
  before.set(
    values.map((scale) => 1 / scale),
    width + keys.length,
  )
  return {
    before: hostTensor('f32', [before.length], before),
    after: hostTensor('f32', [width], overQueries(values)),
  }
}

/** cells f32 [B, kv, C, D] → i8 [B, kv, C, D], scale [kv·D]. */
function narrow(peaks: (x: Tensor) => Tensor, kvHeads: number, size: number): Record<string, Tensor> {
  const x = input('cells', 'f32', [dim('B'), kvHeads, dim('C'), size])
  const peak = add(mul(peaks(x), headroom), leastPeak) // [1, kv, 1, D]
  return { narrow: quantiseRows(x, peak, 'i8'), scale: reshape(mul(peak, 1 / 127), [kvHeads * size]) }
}

/** cells i8 [B, kv, C, D], scale [kv·D] → f32 [B, kv, C, D]. */
function widen(kvHeads: number, size: number): Record<string, Tensor> {
  const x = input('cells', 'i8', [dim('B'), kvHeads, dim('C'), size])
  const scale = input('scale', 'f32', [kvHeads * size])
  return { wide: mul(cast(x, 'f32'), reshape(scale, [1, kvHeads, 1, size])) }
}

/** The largest magnitude of each channel over rows and cells: [B, kv, C, D] → [1, kv, 1, D]. */
function channelPeaks(x: Tensor): Tensor {
  return sqrt(max(mul(x, x), [0, 2], { keepDims: true }))
}

/** The largest radius of each rotary pair (k, k + D/2), for both of its channels: [B, kv, C, D] → [1, kv, 1, D]. */
function pairPeaks(x: Tensor): Tensor {
  const half = (x.shape[3] as number) / 2
  const [a, b] = split(x, 3, [half, half]) as [Tensor, Tensor]
  const radius = sqrt(max(add(mul(a, a), mul(b, b)), [0, 2], { keepDims: true }))
  return concat([radius, radius], 3)
}
