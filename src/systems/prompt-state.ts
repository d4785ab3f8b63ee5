import type { DecoderSequence } from '../decoders/sequence.ts'
import type { NamedTensors } from '../runtime/engine.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import type { DecodingState, Timings, VisualLayout } from './system.ts'

/** A prompt read by a decoder, as a plain sequence of tokens. */
export class PromptState implements DecodingState {
  readonly layouts: readonly VisualLayout[]
  timings: Timings = { prepare: 0, encode: 0, compress: 0, prefill: 0 }
  logits: HostTensor<'f32'> = hostTensor('f32', [0, 0], new Float32Array(0))
  taps: NamedTensors
  readonly #sequence: DecoderSequence

  constructor(sequence: DecoderSequence, layouts: readonly VisualLayout[], taps: NamedTensors) {
    this.#sequence = sequence
    this.layouts = layouts
    this.taps = taps
  }

  get layout(): VisualLayout {
    return this.layouts[0]!
  }

  get length(): number {
    return this.#sequence.length
  }

  async step(ids: readonly number[]): Promise<void> {
    const embeddings = await this.#sequence.programs.embed(ids.map((id) => [id]))
    const { hidden, taps } = await this.#sequence.extend(embeddings)
    this.taps = taps
    await this.readLogits(hidden)
  }

  selectRows(rows: readonly number[]): void {
    this.#sequence.selectRows(rows)
    const width = this.logits.shape[1]!
    const data = new Float32Array(rows.length * width)
    rows.forEach((row, i) => {
      data.set(this.logits.data.subarray(row * width, (row + 1) * width), i * width)
    })
    this.logits = hostTensor('f32', [rows.length, width], data)
  }

  /** Computes the next logits from the last token of each row. hidden [B, T, H]. */
  async readLogits(hidden: HostTensor<'f32'>): Promise<void> {
    const [B, T, H] = hidden.shape as [number, number, number]
    const last = new Float32Array(B * H)
    for (let row = 0; row < B; row++) {
      const at = (row * T + T - 1) * H
      last.set(hidden.data.subarray(at, at + H), row * H)
    }
    const { logits } = await this.#sequence.programs.logits(hostTensor('f32', [B, H], last))
    this.logits = logits
  }
}
