import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from './random.ts'
import {
  argmax,
  drawToken,
  penaliseRepetition,
  type SamplingSettings,
  samplingProbabilities,
} from './sampling.ts'

/** Logits whose softmax is 0.4, 0.3, 0.2, 0.1. */
const logits = Float32Array.from([0.2, 0.4, 0.1, 0.3], Math.log)

function assertClose(actual: Float64Array, expected: readonly number[]): void {
  assert.equal(actual.length, expected.length)
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(actual[i]! - value) < 1e-6, `${i}: ${actual[i]} is not ${value}`)
}

test('argmax takes the first of equal logits', () => {
  assert.equal(argmax(Float32Array.of(-3, 2, 5, 5)), 2)
})

test('temperature divides the logits', () => {
  assertClose(samplingProbabilities(logits, { temperature: 1 }), [0.2, 0.4, 0.1, 0.3])
  // At a temperature of ½ probabilities are squared: 4, 16, 1, 9 of 30.
  assertClose(samplingProbabilities(logits, { temperature: 0.5 }), [4 / 30, 16 / 30, 1 / 30, 9 / 30])
  assertClose(samplingProbabilities(logits, { temperature: 1e-9 }), [0, 1, 0, 0])
})

test('top-k keeps the k likeliest, and those that tie with the last', () => {
  assertClose(samplingProbabilities(logits, { temperature: 1, topK: 2 }), [0, 4 / 7, 0, 3 / 7])
  assertClose(samplingProbabilities(Float32Array.of(1, 0, 1, 1), { temperature: 1, topK: 2 }), [
    1 / 3,
    0,
    1 / 3,
    1 / 3,
  ])
  assertClose(samplingProbabilities(logits, { temperature: 1, topK: 99 }), [0.2, 0.4, 0.1, 0.3])
})

test('top-p drops the least likely tokens while they have no more than 1 − p together', () => {
  const kept = (topP: number) => samplingProbabilities(logits, { temperature: 1, topP })
  assertClose(kept(0.75), [2 / 9, 4 / 9, 0, 3 / 9])
  assertClose(kept(0.65), [0, 4 / 7, 0, 3 / 7])
  assertClose(kept(1e-12), [0, 1, 0, 0])
})

test('min-p keeps what has a share of the likeliest probability', () => {
  assertClose(samplingProbabilities(logits, { temperature: 1, minP: 0.6 }), [0, 4 / 7, 0, 3 / 7])
  assertClose(samplingProbabilities(logits, { temperature: 1, minP: 1 }), [0, 1, 0, 0])
})

test('top-p counts what top-k left as the whole', () => {
  // Of 4/7 and 3/7 the lower one is at most 0.45; of the whole table it would stay.
  assertClose(samplingProbabilities(logits, { temperature: 1, topK: 2, topP: 0.55 }), [0, 1, 0, 0])
})

test('agrees with the definition that sorts everything, for any table', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: -4000, max: 4000 }), { minLength: 1, maxLength: 60 }),
      fc.double({ min: 0.2, max: 3, noNaN: true }),
      fc.integer({ min: 1, max: 70 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, temperature, topK, topP, minP) => {
        const table = Float32Array.from(values, (value) => value / 500)
        const settings = { temperature, topK, topP, minP }
        assertClose(samplingProbabilities(table, settings), defined(table, settings))
      },
    ),
    { seed: 5, numRuns: 300 },
  )
})

type Wanted = { readonly [K in keyof Required<SamplingSettings>]: number }

/** Temperature, top-k, top-p and min-p as the logits processors of transformers write them. */
function defined(table: Float32Array, settings: Wanted): number[] {
  let scores = Array.from(table, (logit) => logit / settings.temperature)
  const softmax = () => {
    const weights = scores.map((score) => Math.exp(score - Math.max(...scores)))
    const total = weights.reduce((a, b) => a + b)
    return weights.map((weight) => weight / total)
  }
  const descending = scores.toSorted((a, b) => b - a)
  const kth = descending[Math.min(settings.topK, scores.length) - 1]!
  scores = scores.map((score) => (score < kth ? Number.NEGATIVE_INFINITY : score))
  let cumulative = 0
  const ascending = softmax()
    .map((probability, id) => ({ probability, id }))
    .sort((a, b) => a.probability - b.probability)
  for (const { probability, id } of ascending.slice(0, -1)) {
    cumulative += probability
    if (settings.topP < 1 && cumulative <= 1 - settings.topP) scores[id] = Number.NEGATIVE_INFINITY
  }
  const probabilities = softmax()
  const least = settings.minP * Math.max(...probabilities)
  // A hair of room: the definition and the code round a token on the very limit differently.
  scores = scores.map((score, id) => (probabilities[id]! < least - 1e-12 ? Number.NEGATIVE_INFINITY : score))
  return softmax()
}

test('the penalty divides positive logits and multiplies negative ones, once an id', () => {
  const penalised = penaliseRepetition(Float32Array.of(2, -2, 4, 0), 2, [0, 1, 1], [0, 9])
  assert.deepEqual([...penalised], [1, -4, 4, 0])
})

test('a penalty of 1 copies nothing', () => {
  assert.equal(penaliseRepetition(logits, 1, [0, 1]), logits)
})

test('draws tokens as often as their probabilities say, and never one of probability 0', () => {
  const random = seededRandom(11)
  const probabilities = Float64Array.of(0.5, 0, 0.3, 0.2)
  const counts = [0, 0, 0, 0]
  for (let i = 0; i < 20_000; i++) counts[drawToken(probabilities, random)]!++
  assert.equal(counts[1], 0)
  // Four standard deviations of a count with p = ½.
  for (const [id, count] of counts.entries())
    assert.ok(Math.abs(count - 20_000 * probabilities[id]!) < 283, `${counts}`)
})

test('a draw at the far end of the range takes the last possible token', () => {
  assert.equal(
    drawToken(Float64Array.of(0.3, 0.7 - 1e-9, 0), () => 1 - 2 ** -32),
    1,
  )
})

test('seeds and rows give streams of their own', () => {
  const start = (seed: number, row = 0) => {
    const random = seededRandom(seed, row)
    return [random(), random(), random()].join()
  }
  assert.equal(start(7, 1), start(7, 1))
  const streams = [0, 1, 2 ** 32, 2 ** 32 + 1].flatMap((seed) => [0, 1, 2].map((row) => start(seed, row)))
  assert.equal(new Set(streams).size, streams.length)
})
