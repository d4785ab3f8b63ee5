import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fakeState, type Transition } from '../../tests/fake-system.ts'
import { type BeamSettings, beamSearch } from './beam-search.ts'
import { seededRandom } from './random.ts'

const STOP = 3
const defaults: BeamSettings = {
  beams: 2,
  n: 1,
  maxNewTokens: 3,
  lengthPenalty: 1,
  repetitionPenalty: 1,
  stopIds: new Set([STOP]),
}

/** Probabilities of the ids 0, 1, 2 and STOP after each answer so far; equal after those that are not named. */
function table(rows: Readonly<Record<string, readonly number[]>>): Transition {
  return (answer) => (rows[answer.join('')] ?? [0.25, 0.25, 0.25, 0.25]).map(Math.log)
}

/** Random logits that depend on the whole answer. */
function randomTable(seed: number): Transition {
  return (answer) => {
    const random = seededRandom(seed, Number(`1${answer.join('')}`))
    return Array.from({ length: 4 }, () => random() * 4)
  }
}

/** Every possible answer with its score, best first. */
function allAnswers(transition: Transition, maxNewTokens: number, lengthPenalty: number) {
  const found: { ids: number[]; score: number }[] = []
  const visit = (ids: number[], sum: number): void => {
    const logits = Array.from(transition(ids))
    const logTotal = Math.log(logits.reduce((total, logit) => total + Math.exp(logit), 0))
    for (const [id, logit] of logits.entries()) {
      const next = [...ids, id]
      const total = sum + logit - logTotal
      if (id === STOP || next.length === maxNewTokens)
        found.push({ ids: next, score: total / next.length ** lengthPenalty })
      else visit(next, total)
    }
  }
  visit([], 0)
  return found.sort((a, b) => b.score - a.score)
}

test('beams wide enough for every answer find what an exhaustive search finds', async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 0, max: 1e6 }),
    fc.constantFrom(0, 0.5, 1, 2, -1),
    async (seed, lengthPenalty) => {
      const transition = randomTable(seed)
      const settings = { ...defaults, beams: 40, n: 5, lengthPenalty }
      const found = await beamSearch(fakeState(transition), [], settings)
      const expected = allAnswers(transition, 3, lengthPenalty).slice(0, 5)
      assert.deepEqual(
        found.map(({ ids }) => ids),
        expected.map(({ ids }) => ids),
      )
      for (const [i, { score }] of found.entries())
        assert.ok(Math.abs(score - expected[i]!.score) < 1e-5, `${score} is not ${expected[i]!.score}`)
    },
  )
  await fc.assert(property, { seed: 3, numRuns: 60 })
})

// Greedy takes 0 (0.5), then at best 0.4: 0.2. The other beam holds 1 (0.4), then 0.9: 0.36.
const garden = table({
  '': [0.5, 0.4, 0.05, 0.05],
  0: [0.3, 0.2, 0.1, 0.4],
  1: [0.05, 0.03, 0.02, 0.9],
})

test('finds the likelier answer behind a less likely first token', async () => {
  const [best, second] = await beamSearch(fakeState(garden), [], { ...defaults, n: 2 })
  assert.deepEqual(best!.ids, [1, STOP])
  assert.ok(Math.abs(best!.score - Math.log(0.36) / 2) < 1e-6)
  assert.equal(best!.stopReason, 'stop')
  assert.deepEqual(second!.ids, [0, STOP])
})

test('ends as soon as no running beam can still win', async () => {
  // After two tokens two answers have ended, the worse with ln 0.2 / 2; after three no candidate has more than
  // 0.15 · 0.25, and ln 0.0375 / 3 is less.
  const state = fakeState(garden)
  await beamSearch(state, [], { ...defaults, maxNewTokens: 50 })
  assert.deepEqual(state.steps, [2, 2])
})

test('the length penalty chooses between short and long', async () => {
  const rows = table({
    '': [0.5, 0.01, 0.01, 0.48],
    0: [0.96, 0.01, 0.01, 0.02],
    '00': [0.01, 0.01, 0.01, 0.97],
  })
  const [short] = await beamSearch(fakeState(rows), [], { ...defaults, lengthPenalty: 0 })
  assert.deepEqual(short!.ids, [STOP])
  const [long] = await beamSearch(fakeState(rows), [], { ...defaults, lengthPenalty: 1 })
  assert.deepEqual(long!.ids, [0, 0, STOP])
})

test('the repetition penalty acts on log probabilities of prompt and answer', async () => {
  const [plain] = await beamSearch(fakeState(garden), [1], defaults)
  assert.deepEqual(plain!.ids, [1, STOP])
  const [penalised] = await beamSearch(fakeState(garden), [1], { ...defaults, repetitionPenalty: 3 })
  assert.deepEqual(penalised!.ids, [0, STOP])
})

test('an abort ends the search before the next step and gives what there is', async () => {
  const abort = new AbortController()
  const state = fakeState(() => [3, 2, 1, -9])
  const events: number[] = []
  const found = await beamSearch(
    state,
    [],
    { ...defaults, n: 2, maxNewTokens: 50 },
    {
      signal: abort.signal,
      onEvent(event) {
        if (event.phase === 'notice') return
        events.push(event.done)
        if (event.done === 4) abort.abort()
      },
    },
  )
  assert.deepEqual(events, [1, 2, 3, 4])
  assert.equal(state.steps.length, 3)
  assert.deepEqual(
    found.map(({ ids, stopReason }) => [ids.length, stopReason]),
    [
      [4, 'aborted'],
      [4, 'aborted'],
    ],
  )
})
