import type { DecodingState, System } from '../src/systems/system.ts'
import { hostTensor } from '../src/tensor/tensor.ts'
import type { Tokenizer } from '../src/text/tokenizer.ts'

/** The next-token logits, [V], that follow what a row has said since its prompt. */
export type Transition = (answer: readonly number[]) => ArrayLike<number>

/** A decoding state without a decoder: logits come from a table. It counts what it was asked to do. */
export interface FakeState extends DecodingState {
  /** How many rows went into each step. */
  readonly steps: number[]
  readonly selections: (readonly number[])[]
}

/** One row that has read its prompt and continues as `transition` says. */
export function fakeState(transition: Transition): FakeState {
  let rows: (readonly number[])[] = [[]]
  const steps: number[] = []
  const selections: (readonly number[])[] = []
  const layout = { promptLength: 0, spans: [] }
  return {
    layouts: [layout],
    layout,
    timings: { prepare: 0, encode: 0, compress: 0, prefill: 0 },
    reusedTokens: 0,
    taps: {},
    steps,
    selections,
    get length() {
      return rows[0]!.length
    },
    get logits() {
      const values = rows.map((row) => Array.from(transition(row)))
      return hostTensor('f32', [rows.length, values[0]!.length], Float32Array.from(values.flat()))
    },
    async step(ids) {
      if (ids.length !== rows.length) throw new Error(`${ids.length} ids for ${rows.length} rows`)
      rows = rows.map((row, i) => [...row, ids[i]!])
      steps.push(ids.length)
    },
    selectRows(chosen) {
      rows = chosen.map((row) => {
        const present = rows[row]
        if (!present) throw new Error(`row ${row} of ${rows.length}`)
        return present
      })
      selections.push(chosen)
    },
    dispose() {},
  }
}

/** Just enough of a system to generate with. */
export function fakeSystem(
  tokenizer: Tokenizer,
  ends: { readonly stopIds?: readonly number[]; readonly stopTexts?: readonly string[] } = {},
): System {
  const absent = () => {
    throw new Error('a fake system has no model')
  }
  return {
    name: 'fake',
    tokenizer,
    vocabSize: tokenizer.size,
    tiling: { strategy: 'single' },
    canCompress: false,
    stopIds: ends.stopIds ?? [],
    stopTexts: ends.stopTexts ?? [],
    prepare: absent,
    start: absent,
    startBatch: absent,
    dispose: async () => {},
  }
}
