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
 * Logits in which the ids of these sequences are less likely: positive ones are divided by the penalty, negative ones
 * multiplied. Each id counts once; a penalty of 1 gives the logits themselves. Source: CTRL (arXiv 1909.05858),
 * section 4.1; transformers, `RepetitionPenaltyLogitsProcessor`.
 */
export function penaliseRepetition(
  logits: Float32Array,
  penalty: number,
  ...used: readonly (readonly number[])[]
): Float32Array {
  if (penalty === 1) return logits
  const penalised = logits.slice()
  for (const ids of used)
    for (const id of ids) {
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
  const { temperature, topK = logits.length, topP = 1, minP = 0 } = settings
  const highest = logits[argmax(logits)]!
  const scores = new Float64Array(logits.length)
  // Shifted first: logits of 30 divided by a temperature of 1e-6 leave float32, zero does not.
  for (let id = 0; id < scores.length; id++) scores[id] = (logits[id]! - highest) / temperature
  let least = topK < scores.length ? kthLargest(scores, topK) : Number.NEGATIVE_INFINITY
  if (topP < 1) least = Math.max(least, nucleus(scores, least, topP))
  least = Math.max(least, Math.log(minP)) // −∞ for 0
  let sum = 0
  for (let id = 0; id < scores.length; id++) {
    scores[id] = scores[id]! < least ? 0 : Math.exp(scores[id]!)
    sum += scores[id]!
  }
  for (let id = 0; id < scores.length; id++) scores[id] = scores[id]! / sum
  return scores
}

/**
 * The lowest score that top-p keeps of those of at least `least`: from the lowest, tokens go while they have no more
 * than 1 − p together.
 */
function nucleus(scores: Float64Array, least: number, topP: number): number {
  let total = 0
  let count = 0
  for (const score of scores) {
    if (score < least) continue
    total += Math.exp(score)
    count++
  }
  const droppable = (1 - topP) * total
  // Tokens with no more than an even share of what may go all go: only the few above it need an order.
  const share = droppable / count
  const likely: number[] = []
  let dropped = 0
  for (const score of scores) {
    if (score < least) continue
    const weight = Math.exp(score)
    if (weight > share) likely.push(score)
    else dropped += weight
  }
  for (const score of Float64Array.from(likely).sort()) {
    dropped += Math.exp(score)
    if (dropped > droppable) return score
  }
  return 0 // the likeliest alone
}

/** The k-th largest value, 1 ≤ k ≤ length, without sorting all: Hoare's FIND (CACM 4(7), algorithm 65). */
function kthLargest(values: Float64Array, k: number): number {
  const parted = values.slice()
  const target = parted.length - k
  let low = 0
  let high = parted.length - 1
  while (low < high) {
    const pivot = parted[(low + high) >> 1]!
    let i = low
    let j = high
    while (i <= j) {
      while (parted[i]! < pivot) i++
      while (parted[j]! > pivot) j--
      if (i > j) break
      const held = parted[i]!
      parted[i++] = parted[j]!
      parted[j--] = held
    }
    if (target <= j) high = j
    else if (target >= i) low = i
    else break
  }
  return parted[target]!
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
