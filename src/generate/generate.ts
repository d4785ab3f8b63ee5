import type { DecodingState, RunOptions, System } from '../systems/system.ts'
import { InputError } from '../tensor/errors.ts'
import { AnswerText } from './answer-text.ts'
import { beamSearch } from './beam-search.ts'
import { requireFinite, rowOf } from './logits.ts'
import { type GenerationOptions, type GenerationSettings, generationSettings } from './options.ts'
import { anySeed, seededRandom } from './random.ts'
import { argmax, drawToken, penaliseRepetition, samplingProbabilities } from './sampling.ts'

/** Why an answer ended. */
export type StopReason = 'stop' | 'length' | 'aborted'

/** One answer. */
export interface GeneratedRow {
  readonly row: number
  /** Every token, the stop id included where it was reached. */
  readonly ids: readonly number[]
  /** Without special and stop tokens, cut at the first stop text, stripped. */
  readonly text: string
  readonly stopReason: StopReason
  /** Of a beam search: the sum of log probabilities over length to the power of the length penalty. */
  readonly score?: number
}

/** New text of one row; a row's pieces together are its text. */
export interface TextPiece {
  readonly row: number
  readonly text: string
}

/**
 * Continues a prompt that was read: yields text as it is settled and returns the answers, the best first for a beam
 * search. `state` holds one row and is used up. An abort ends the answers between two tokens and keeps what they have.
 * The repetition penalty counts prompt and answer, as `generate(input_ids)` of transformers does; InternVL's `chat()`
 * hands over embeddings instead and so counts the answer alone.
 * @throws InputError for options that are unknown, out of range or without effect; EngineError `logits-not-finite`
 */
export async function* generate(
  system: System,
  state: DecodingState,
  promptIds: readonly number[],
  options: GenerationOptions = {},
  run: RunOptions = {},
): AsyncGenerator<TextPiece, GeneratedRow[]> {
  const settings = generationSettings(options)
  requireKnownIds(settings.stopIds, system.vocabSize)
  const stopIds = new Set([...system.stopIds, ...settings.stopIds])
  if (settings.beams > 1) return yield* generateBeams(system, state, promptIds, { ...settings, stopIds }, run)

  const { n, maxNewTokens } = settings
  const stop = [...system.stopTexts, ...settings.stop]
  const choose = tokenChoice(settings, promptIds)
  const rows = Array.from(
    { length: n },
    (_, row) => new GrowingRow(row, new AnswerText(system.tokenizer, stop)),
  )
  if (n > 1) state.selectRows(rows.map(() => 0))
  let growing = rows
  for (let done = 0; growing.length > 0; done++) {
    if (run.signal?.aborted) {
      for (const row of growing) yield* row.end('aborted')
      break
    }
    requireFinite(state.logits, done)
    for (const [i, row] of growing.entries()) {
      const id = choose(rowOf(state.logits, i), row)
      yield* row.take(id, stopIds.has(id), maxNewTokens)
    }
    run.onEvent?.({ phase: 'decoding', done: done + 1, total: maxNewTokens })
    const present = growing
    growing = growing.filter((row) => row.stopReason === undefined)
    if (growing.length === 0) break
    if (growing.length < present.length) state.selectRows(growing.map((row) => present.indexOf(row)))
    // Without a wait an abort right after the last piece would cost one more token.
    if (!run.signal?.aborted) await state.step(growing.map((row) => row.ids.at(-1)!))
  }
  return rows.map(({ row, ids, text, stopReason }) => ({
    row,
    ids,
    text,
    stopReason: stopReason ?? 'aborted',
  }))
}

/** An answer that is being written. */
class GrowingRow {
  readonly row: number
  readonly ids: number[] = []
  stopReason: StopReason | undefined
  readonly #answer: AnswerText

  constructor(row: number, answer: AnswerText) {
    this.row = row
    this.#answer = answer
  }

  get text(): string {
    return this.#answer.text
  }

  /** Appends a token and ends where it or the text says so. */
  *take(id: number, isStop: boolean, maxNewTokens: number): Generator<TextPiece> {
    this.ids.push(id)
    if (isStop) return yield* this.end('stop')
    yield* this.#piece(this.#answer.push(id))
    if (this.#answer.stopped !== undefined) this.stopReason = 'stop'
    else if (this.ids.length === maxNewTokens) yield* this.end('length')
  }

  *end(reason: StopReason): Generator<TextPiece> {
    yield* this.#piece(this.#answer.flush())
    // What was held back may turn out to be a stop text's end.
    this.stopReason = this.#answer.stopped === undefined ? reason : 'stop'
  }

  *#piece(text: string): Generator<TextPiece> {
    if (text !== '') yield { row: this.row, text }
  }
}

/** How the next token follows from a row's logits. */
function tokenChoice(settings: GenerationSettings, promptIds: readonly number[]) {
  const { temperature, repetitionPenalty } = settings
  const seed = settings.seed ?? anySeed()
  const randoms = Array.from({ length: settings.n }, (_, row) => seededRandom(seed, row))
  return (logits: Float32Array, { row, ids }: GrowingRow): number => {
    const penalised = penaliseRepetition(logits, repetitionPenalty, promptIds, ids)
    if (temperature === 0) return argmax(penalised)
    return drawToken(samplingProbabilities(penalised, settings), randoms[row]!)
  }
}

/** An id beyond the vocabulary never comes. */
function requireKnownIds(stopIds: readonly number[], vocabSize: number): void {
  const unknown = stopIds.filter((id) => id >= vocabSize)
  if (unknown.length === 0) return
  throw new InputError(
    'option-value',
    `stopIds has ${unknown.join(', ')}, but the model's ids end at ${vocabSize - 1}.`,
    { option: 'stopIds', found: unknown, vocabSize },
  )
}

async function* generateBeams(
  system: System,
  state: DecodingState,
  promptIds: readonly number[],
  settings: Omit<GenerationSettings, 'stopIds'> & { readonly stopIds: ReadonlySet<number> },
  run: RunOptions,
): AsyncGenerator<TextPiece, GeneratedRow[]> {
  const found = await beamSearch(state, promptIds, settings, run)
  const rows = found.map(({ ids, stopReason, score }, row): GeneratedRow => {
    const answer = new AnswerText(system.tokenizer, system.stopTexts)
    for (const id of ids) if (!settings.stopIds.has(id)) answer.push(id)
    answer.flush()
    return { row, ids, text: answer.text, stopReason, score }
  })
  for (const { row, text } of rows) if (text !== '') yield { row, text }
  return rows
}
