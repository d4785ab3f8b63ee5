import type { NamedTensors } from '../runtime/engine.ts'
import type { KvCache } from '../runtime/kv-cache.ts'
import { AbortError } from '../tensor/errors.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { ownTurn } from '../tensor/turns.ts'
import { CellTables } from './cell-tables.ts'
import { HiddenBuffers } from './hidden-buffers.ts'
import { causalMask } from './mask.ts'
import { chunkTokens, type DecoderPrograms } from './programs.ts'
import { highest, RotaryState, type RotaryTables } from './rope.ts'

export interface SequenceOptions {
  /** Rows decoded together; 1 by default. */
  readonly batch?: number
  /** Padding tokens at the left of each row; none by default. */
  readonly padding?: readonly number[]
  /** Shared with other sequences to reproduce the official stateful dynamic scaling; fresh by default. */
  readonly rotary?: RotaryState
}

export interface ExtendOptions {
  /** Stops within a chunk where the engine can stop a run. */
  readonly signal?: AbortSignal | undefined
  /** Only the last token's hidden state is wanted: [B, 1, H]. */
  readonly lastOnly?: boolean | undefined
  /** Told after each chunk how many of the new tokens are done. */
  readonly onTokens?: ((done: number) => void) | undefined
}

/** Rows of tokens that grow together: their cache, positions and rotary state, over a decoder's programs. */
export class DecoderSequence {
  readonly programs: DecoderPrograms
  readonly cache: KvCache
  readonly #rotary: RotaryState
  readonly #tables: CellTables | undefined
  #padding: readonly number[]
  /** The rotary regimes of the calls that made what is held. */
  #regimes = new Set<string>()

  constructor(programs: DecoderPrograms, options: SequenceOptions = {}) {
    this.programs = programs
    const batch = options.batch ?? options.padding?.length ?? 1
    this.cache = programs.newCache(batch)
    this.#padding = options.padding ?? Array<number>(batch).fill(0)
    this.#rotary = options.rotary ?? new RotaryState(programs.decoder.rope)
    const { memory } = programs
    this.#tables = memory && new CellTables(memory, programs.decoder.headSize / 2)
  }

  /** Tokens held, padding included. */
  get length(): number {
    return this.cache.length
  }

  /** The positions that new tokens `from` to `to` have: counted without padding, 1 on padding. */
  positions(from: number, to: number): number[][] {
    return this.#padding.map((padded) =>
      Array.from({ length: to - from }, (_, i) => (from + i < padded ? 1 : from + i - padded)),
    )
  }

  /**
   * Runs new tokens through all stages, in chunks. embeddings [B, T, H] → hidden states before the final norm
   * [B, T, H], and the taps of the last chunk. After an abort the sequence holds the chunks that were done.
   * @throws AbortError `aborted`
   */
  async extend(
    embeddings: HostTensor<'f32'>,
    options: ExtendOptions = {},
  ): Promise<{ hidden: HostTensor<'f32'>; taps: NamedTensors }> {
    const [B, T, H] = embeddings.shape as [number, number, number]
    const parts: HostTensor<'f32'>[] = []
    const { memory } = this.programs
    // Where only the last token counts, the chunks pass through two buffers: fresh ones would keep the collector busy.
    const isPassing = options.lastOnly && memory && B === 1 && T > chunkTokens
    const buffers = isPassing ? new HiddenBuffers(memory, chunkTokens, H) : undefined
    const total = this.length + T
    const last = highest(this.positions(this.length, total))
    this.#regimes.add(this.#rotary.regime(total, last))
    const tables = this.#rotary.call(total, last)
    if (this.#fitsCells(T)) await this.cache.reserve(total)
    let taps: NamedTensors = {}
    try {
      for (let from = 0; from < T; from += chunkTokens) {
        if (options.signal?.aborted)
          throw new AbortError('aborted', 'The run was stopped.', { tokensDone: from })
        const to = Math.min(T, from + chunkTokens)
        const part = tokenRange(embeddings, from, to)
        const chunk = this.#fitsCells(part.shape[1]!)
          ? { hidden: await this.#fillCells(part, tables, options.signal, buffers), taps }
          : await this.#readPast(part, tables, options.signal)
        if (options.lastOnly) parts.pop()
        parts.push(chunk.hidden)
        taps = chunk.taps
        options.onTokens?.(to)
        // Lets timers, signals and other requests run where runs hold the event loop; a turn costs over a millisecond.
        if (!memory) await ownTurn()
      }
      const hidden = options.lastOnly ? lastToken(parts.at(-1)!) : joinTokens(parts, [B, T, H])
      return { hidden, taps }
    } finally {
      buffers?.free()
    }
  }

  /**
   * Whether what a fresh sequence of `length` tokens would hold begins with what this one holds, as far as positions
   * go: the rotary frequencies may depend on the length.
   */
  agreesWithLength(length: number): boolean {
    return this.#regimes.size === 1 && this.#regimes.has(this.#rotary.regime(length, length - 1))
  }

  /** Forgets all but the first `length` tokens. */
  truncate(length: number): void {
    this.cache.truncate(length)
  }

  /** Gives the cache's memory back now, not when it is collected. The sequence holds nothing afterwards. */
  dispose(): void {
    this.cache.dispose()
  }

  /** Keeps the given present rows, in this order. */
  selectRows(rows: readonly number[]): void {
    this.cache.selectRows(rows)
    this.#padding = rows.map((row) => this.#padding[row]!)
  }

  /** Whether the kernel that fills cells takes a chunk: of several rows it takes one token each, or the first chunk. */
  #fitsCells(tokens: number): boolean {
    const isPlain = this.#padding.every((padded) => padded === 0)
    return (
      this.#tables !== undefined && isPlain && (this.cache.batch === 1 || tokens === 1 || this.length === 0)
    )
  }

  async #fillCells(
    embeddings: HostTensor<'f32'>,
    tablesOf: (positions: number[][]) => RotaryTables,
    signal: AbortSignal | undefined,
    buffers?: HiddenBuffers,
  ): Promise<HostTensor<'f32'>> {
    const { cache, programs } = this
    const held = cache.length
    const total = held + embeddings.shape[1]!
    await programs.prepareCells(total - held, cache)
    // Without padding all rows have the positions of the first.
    const tables = this.#tables!.fill(held, tablesOf(this.positions(held, total).slice(0, 1)), cache.capacity)
    let hidden = embeddings
    for (let stage = 0; stage < programs.stages.length; stage++)
      hidden = await programs.runCells(
        stage,
        { hidden, tables, signal, into: buffers?.next(total - held) },
        cache,
      )
    cache.advance(total - held)
    return hidden
  }

  async #readPast(
    embeddings: HostTensor<'f32'>,
    tablesOf: (positions: number[][]) => RotaryTables,
    signal: AbortSignal | undefined,
  ): Promise<{ hidden: HostTensor<'f32'>; taps: NamedTensors }> {
    const T = embeddings.shape[1]!
    const { cache, programs } = this
    const held = cache.length
    const rotary = tablesOf(this.positions(held, held + T))
    const mask = causalMask(T, held, cache.capacity, this.#padding)
    let hidden = embeddings
    const taps: Record<string, HostTensor> = {}
    for (let stage = 0; stage < programs.stages.length; stage++) {
      const result = await programs.runStage(stage, { hidden, rotary, mask, signal }, cache)
      hidden = result.hidden
      Object.assign(taps, result.taps)
    }
    await cache.append(T)
    return { hidden, taps }
  }
}

/** [B, T, H] → [B, 1, H], which holds on to nothing else. */
function lastToken(x: HostTensor<'f32'>): HostTensor<'f32'> {
  const { shape, data } = tokenRange(x, x.shape[1]! - 1, x.shape[1]!)
  return hostTensor('f32', shape, data.slice())
}

/** Tokens `from` to `to` of every row. [B, T, H] → [B, to − from, H]. */
export function tokenRange(x: HostTensor<'f32'>, from: number, to: number): HostTensor<'f32'> {
  const [B, T, H] = x.shape as [number, number, number]
  if (from === 0 && to === T) return x
  if (B === 1) return hostTensor('f32', [1, to - from, H], x.data.subarray(from * H, to * H))
  const data = new Float32Array(B * (to - from) * H)
  for (let row = 0; row < B; row++)
    data.set(x.data.subarray((row * T + from) * H, (row * T + to) * H), row * (to - from) * H)
  return hostTensor('f32', [B, to - from, H], data)
}

function joinTokens(
  parts: readonly HostTensor<'f32'>[],
  shape: readonly [number, number, number],
): HostTensor<'f32'> {
  if (parts.length === 1) return parts[0]!
  const [B, T, H] = shape
  const data = new Float32Array(B * T * H)
  let start = 0
  for (const part of parts) {
    const tokens = part.shape[1]!
    for (let row = 0; row < B; row++)
      data.set(part.data.subarray(row * tokens * H, (row + 1) * tokens * H), (row * T + start) * H)
    start += tokens
  }
  return hostTensor('f32', shape, data)
}
