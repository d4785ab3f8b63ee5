import type { DecodingState, RunOptions } from '../systems/system.ts'
import { requireFinite, rowOf } from './logits.ts'
import { argmax, penaliseRepetition } from './sampling.ts'

export interface BeamSettings {
  readonly beams: number
  /** How many hypotheses to return. */
  readonly n: number
  readonly maxNewTokens: number
  readonly lengthPenalty: number
  readonly repetitionPenalty: number
  readonly stopIds: ReadonlySet<number>
}

/** A whole answer of a search. */
export interface Hypothesis {
  /** The stop id included, where it was reached. */
  readonly ids: readonly number[]
  /** The sum of log probabilities over length to the power of the length penalty. */
  readonly score: number
  readonly stopReason: 'stop' | 'length' | 'aborted'
}

/** An answer that is still growing. */
interface Beam {
  readonly ids: readonly number[]
  readonly sum: number
}

/** A beam's next token. */
interface Candidate {
  readonly beam: number
  readonly id: number
  readonly sum: number
}

/**
 * The best answers of a beam search, best first. Rows of the state are the beams, all stepped together. Source:
 * transformers' `BeamSearchScorer` (4.37) with `early_stopping=False`: the search ends when the likeliest beam, divided by its
 * present length, falls behind the worst of `beams` finished ones; its repetition penalty acts on log probabilities.
 * @throws EngineError `logits-not-finite`
 */
export async function beamSearch(
  state: DecodingState,
  promptIds: readonly number[],
  settings: BeamSettings,
  { signal, onEvent }: RunOptions = {},
): Promise<Hypothesis[]> {
  const { beams, n, maxNewTokens, stopIds } = settings
  const finished: Hypothesis[] = []
  let running: Beam[] = [{ ids: [], sum: 0 }]
  let length = 0
  for (;;) {
    requireFinite(state.logits, length)
    const candidates = bestCandidates(state, running, promptIds, settings)
    length++
    const survivors: Candidate[] = []
    for (const [rank, candidate] of candidates.entries()) {
      if (survivors.length === beams) break
      if (!stopIds.has(candidate.id)) survivors.push(candidate)
      // An end that is not among the best `beams` is not good enough to be kept.
      else if (rank < beams)
        keepBest(
          finished,
          finish([...running[candidate.beam]!.ids, candidate.id], candidate.sum, 'stop'),
          beams,
        )
    }
    running = survivors.map(({ beam, id, sum }) => ({ ids: [...running[beam]!.ids, id], sum }))
    onEvent?.({ phase: 'decoding', done: length, total: maxNewTokens })
    const attainable = candidates[0]!.sum / length ** settings.lengthPenalty
    const isDone = finished.length >= beams && finished.at(-1)!.score >= attainable
    if (isDone || survivors.length === 0) break
    if (length === maxNewTokens || signal?.aborted) {
      const reason = length === maxNewTokens ? 'length' : 'aborted'
      for (const { ids, sum } of running) keepBest(finished, finish(ids, sum, reason), beams)
      break
    }
    state.selectRows(survivors.map(({ beam }) => beam))
    await state.step(survivors.map(({ id }) => id))
  }
  return finished.slice(0, n)

  function finish(ids: readonly number[], sum: number, stopReason: Hypothesis['stopReason']): Hypothesis {
    return { ids, score: sum / ids.length ** settings.lengthPenalty, stopReason }
  }
}

/** The likeliest continuations of all beams, best first: enough that `beams` remain after every stop id is out. */
function bestCandidates(
  state: DecodingState,
  running: readonly Beam[],
  promptIds: readonly number[],
  { beams, stopIds, repetitionPenalty }: BeamSettings,
): Candidate[] {
  const count = Math.max(2, 1 + stopIds.size) * beams
  const best: Candidate[] = []
  for (const [beam, { ids, sum }] of running.entries()) {
    const logProbabilities = logSoftmax(rowOf(state.logits, beam))
    const scores = penaliseRepetition(logProbabilities, repetitionPenalty, promptIds, ids)
    for (let id = 0; id < scores.length; id++) {
      const total = sum + scores[id]!
      if (best.length === count && total <= best[count - 1]!.sum) continue
      insert(best, { beam, id, sum: total }, (held) => total > held.sum)
      if (best.length > count) best.pop()
    }
  }
  return best
}

/** Adds a hypothesis to those held, best first, of which the best `beams` stay. */
function keepBest(held: Hypothesis[], hypothesis: Hypothesis, beams: number): void {
  insert(held, hypothesis, (other) => hypothesis.score > other.score)
  if (held.length > beams) held.pop()
}

/** Puts `item` before the first that it beats. */
function insert<T>(sorted: T[], item: T, beats: (other: T) => boolean): void {
  const at = sorted.findIndex(beats)
  sorted.splice(at < 0 ? sorted.length : at, 0, item)
}

/** [V] → [V]. */
function logSoftmax(logits: Float32Array): Float32Array {
  const highest = logits[argmax(logits)]!
  let total = 0
  for (const logit of logits) total += Math.exp(logit - highest)
  const shift = highest + Math.log(total)
  const logProbabilities = new Float32Array(logits.length)
  for (let id = 0; id < logits.length; id++) logProbabilities[id] = logits[id]! - shift
  return logProbabilities
}
