import { causalMask } from '../decoders/mask.ts'
import { chunkTokens, type DecoderPrograms } from '../decoders/programs.ts'
import { RotaryState } from '../decoders/rope.ts'
import { AbortError } from '../tensor/errors.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { ownTurn } from '../tensor/turns.ts'
import type { CompressionOptions, RunOptions } from './system.ts'

/** The compressed prompt: which positions stay, and why. */
export interface Compression {
  /** Attention that each token of the detailed block receives, [high]. */
  readonly scores: Float32Array
  /** Prompt positions that stay, ascending. */
  readonly keptPositions: number[]
}

/**
 * Mini-Monkey's scale compression mechanism: of the detailed tiles' tokens, keep those that the rest of the prompt
 * attends to most in the decoder's second layer. A pre-pass without parameters; the kept embeddings restart at layer
 * 0. Source: Mini-Monkey (arXiv 2408.02034), section 3.3; golden case `minimonkey-scm`.
 * @param embeddings [1, L, H], visual tokens inserted
 * @param first position of the first visual token
 * @param high tokens of the detailed block, which starts there
 */
export async function compressScales(
  programs: DecoderPrograms,
  embeddings: HostTensor<'f32'>,
  first: number,
  high: number,
  options: CompressionOptions,
  run: RunOptions = {},
): Promise<Compression> {
  const length = embeddings.shape[1]!
  const scores = await receivedScores(programs, embeddings, first, high, run)
  const kept = strongest(scores, keptOf(high, options))
  const tail = first + high + droppedBehind(options)
  const keptPositions = [...range(0, first), ...kept.map((index) => first + index), ...range(tail, length)]
  return { scores, keptPositions }
}

/** How long a prompt of `length` tokens is after compression of its `high` detailed ones. */
export function compressedLength(length: number, high: number, options: CompressionOptions): number {
  return length - high + keptOf(high, options) - droppedBehind(options)
}

function keptOf(high: number, { keepRatio = 0.5 }: CompressionOptions): number {
  return Math.trunc(high * keepRatio)
}

/** The official code also drops the first token behind the block. */
function droppedBehind({ mode }: CompressionOptions): number {
  return mode === 'corrected' ? 0 : 1
}

/** Mean over heads and over all query rows behind the block of layer 1's attention to each token of the block. */
async function receivedScores(
  programs: DecoderPrograms,
  embeddings: HostTensor<'f32'>,
  first: number,
  high: number,
  { signal, onEvent }: RunOptions,
): Promise<Float32Array> {
  const [, L, H] = embeddings.shape as [number, number, number]
  const cache = programs.newCache(1, programs.stages[0]!.end)
  const tables = new RotaryState(programs.decoder.rope).call(L, L - 1)
  const sums = new Float64Array(high)
  for (let from = 0; from < L; from += chunkTokens) {
    if (signal?.aborted) throw new AbortError('aborted', 'The run was stopped.', { tokensDone: from })
    onEvent?.({ phase: 'compressing', done: from, total: L })
    const T = Math.min(L, from + chunkTokens) - from
    const observers = Float32Array.from({ length: T }, (_, t) => Number(from + t >= first + high))
    const capacity = cache.capacity
    const { receivedAttention } = await programs.runStage(
      0,
      {
        hidden: hostTensor('f32', [1, T, H], embeddings.data.subarray(from * H, (from + T) * H)),
        rotary: tables([range(from, from + T)]),
        mask: causalMask(T, from, capacity, [0]),
        observers: hostTensor('f32', [1, T], observers),
        signal,
      },
      cache,
    )
    const received = receivedAttention!.data
    for (let index = 0; index < high; index++) {
      const position = first + index
      // Cached tokens stand in their cells, new ones behind the cache's capacity.
      const at = position < from ? position : position < from + T ? capacity + position - from : undefined
      if (at !== undefined) sums[index]! += received[at]!
    }
    await cache.append(T)
    await ownTurn()
  }
  cache.dispose()
  return Float32Array.from(sums, (sum) => sum / (L - first - high))
}

/** The indices of the k largest values, ascending. */
function strongest(values: Float32Array, k: number): number[] {
  const order = range(0, values.length).sort((a, b) => values[b]! - values[a]! || a - b)
  return order.slice(0, k).sort((a, b) => a - b)
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)
}
