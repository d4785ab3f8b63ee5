import type { Random } from './random.ts'

/** Which tokens may be drawn. */
export interface SamplingSettings {
  readonly temperature: number
  readonly topK?: number | undefined
  readonly topP?: number | undefined
  readonly minP?: number | undefined
}

/** The id with the largest logit, the lowest of equal ones. */
export function argmax(logits: Float32Array): number {
  let best = 0
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id
  return best
}

/**
 * Logits in which the ids that were already used are less likely: positive ones are divided by the penalty, negative
 * ones multiplied. Each id counts once. Source: CTRL (arXiv 1909.05858), section 4.1; transformers,
 * `RepetitionPenaltyLogitsProcessor`.
 */
export function penaliseRepetition(
  logits: Float32Array,
  used: readonly number[],
  penalty: number,
): Float32Array {
  if (penalty === 1) return logits
  const penalised = logits.slice()
  for (const id of used) {
    const logit = logits[id]
    if (logit !== undefined) penalised[id] = logit < 0 ? logit * penalty : logit / penalty
  }
  return penalised
}

/**
 * The probabilities from which a token is drawn, [V]: temperature, then top-k, top-p and min-p in the order of
 * transformers' `generate`. Tokens that tie with the last one kept stay, too.
 */
export function samplingProbabilities(logits: Float32Array, settings: SamplingSettings): Float64Array {
  const { temperature, topK, topP = 1, minP = 0 } = settings
  const highest = logits[argmax(logits)]!
  // Shifted first: logits of 30 divided by a temperature of 1e-6 leave float32, zero does not.
  const scores = Float64Array.from(logits, (logit) => (logit - highest) / temperature)
  let least = Math.log(minP) // −∞ for 0
  if (topK !== undefined || topP < 1) {
    const ascending = scores.toSorted()
    const from = ascending.length - Math.min(topK ?? ascending.length, ascending.length)
    const kth = ascending[from]!
    const kept = ascending.subarray(ascending.indexOf(kth))
    least = Math.max(least, kth, topP < 1 ? nucleus(kept, topP) : kth)
  }
  let sum = 0
  for (let id = 0; id < scores.length; id++) {
    scores[id] = scores[id]! < least ? 0 : Math.exp(scores[id]!)
    sum += scores[id]!
  }
  return scores.map((weight) => weight / sum)
}

/** The lowest score that top-p keeps: from the lowest, tokens go while they have no more than 1 − p together. */
function nucleus(ascending: Float64Array, topP: number): number {
  const total = ascending.reduce((sum, score) => sum + Math.exp(score), 0)
  let dropped = 0
  for (const score of ascending) {
    dropped += Math.exp(score)
    if (dropped > (1 - topP) * total) return score
  }
  return ascending.at(-1)!
}

/** One token drawn from the probabilities. */
export function drawToken(probabilities: Float64Array, random: Random): number {
  let left = random()
  let last = 0
  for (let id = 0; id < probabilities.length; id++) {
    const probability = probabilities[id]!
    if (probability === 0) continue
    last = id
    left -= probability
    if (left < 0) return id
  }
  return last // rounding left the sum a little below 1
}
