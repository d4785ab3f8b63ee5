import type { DecoderSequence } from '../decoders/sequence.ts'
import type { NamedTensors } from '../runtime/engine.ts'
import { EngineError } from '../tensor/errors.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import type { TokenIdentity } from './prefix-cache.ts'
import type { DecodingState, Timings, VisualLayout } from './system.ts'

/** Who keeps a sequence when its state is done with it, and what it holds. */
export interface Reuse {
  readonly tokens: readonly TokenIdentity[]
  readonly release: (held: readonly TokenIdentity[]) => void
}

/** A prompt read by a decoder, as a plain sequence of tokens. */
export class PromptState implements DecodingState {
  readonly layouts: readonly VisualLayout[]
  reusedTokens = 0
  timings: Timings = { prepare: 0, encode: 0, compress: 0, prefill: 0 }
  logits: HostTensor<'f32'> = hostTensor('f32', [0, 0], new Float32Array(0))
  taps: NamedTensors
  #sequence: DecoderSequence | undefined
  #reuse: Reuse | undefined
  readonly #stepped: number[] = []

  constructor(
    sequence: DecoderSequence,
    layouts: readonly VisualLayout[],
    taps: NamedTensors,
    reuse?: Reuse,
  ) {
    this.#sequence = sequence
    this.#reuse = reuse
    this.layouts = layouts
    this.taps = taps
  }

  get layout(): VisualLayout {
    return this.layouts[0]!
  }

  get length(): number {
    return this.#held().length
  }

  async step(ids: readonly number[]): Promise<void> {
    const sequence = this.#held()
    const embeddings = await sequence.programs.embed(ids.map((id) => [id]))
    const { hidden, taps } = await sequence.extend(embeddings, { lastOnly: true })
    this.#stepped.push(ids[0]!)
    this.taps = taps
    await this.readLogits(hidden)
  }

  selectRows(rows: readonly number[]): void {
    this.#held().selectRows(rows)
    // Rows that were exchanged are no longer the prompt and the tokens stepped through.
    this.#reuse = undefined
    const width = this.logits.shape[1]!
    const data = new Float32Array(rows.length * width)
    rows.forEach((row, i) => {
      data.set(this.logits.data.subarray(row * width, (row + 1) * width), i * width)
    })
    this.logits = hostTensor('f32', [rows.length, width], data)
  }

  dispose(): void {
    const [sequence, reuse] = [this.#sequence, this.#reuse]
    this.#sequence = undefined
    this.#reuse = undefined
    if (reuse) reuse.release([...reuse.tokens, ...this.#stepped])
    else sequence?.dispose()
  }

  #held(): DecoderSequence {
    if (this.#sequence) return this.#sequence
    throw new EngineError('state-disposed', 'This decoding state was disposed and cannot be continued.')
  }

  /** Computes the next logits from the last token of each row. hidden [B, T, H]. */
  async readLogits(hidden: HostTensor<'f32'>): Promise<void> {
    const [B, T, H] = hidden.shape as [number, number, number]
    const last = new Float32Array(B * H)
    for (let row = 0; row < B; row++) {
      const at = (row * T + T - 1) * H
      last.set(hidden.data.subarray(at, at + H), row * H)
    }
    const { logits } = await this.#held().programs.logits(hostTensor('f32', [B, H], last))
    this.logits = logits
  }
}
