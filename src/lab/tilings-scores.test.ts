import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PageReading, TilingsResult } from './tilings.ts'
import { planArms, runsOf } from './tilings-plan.ts'
import { conclusions } from './tilings-report.ts'
import { scoreTilings } from './tilings-scores.ts'

const arms = planArms(['dynamic', 'msac', 's2'], 90, { tileSize: 224, tokensPerTile: 64 })

test('under equal tokens all arms read as many as the dynamic one, S2 at most two times its pages', () => {
  // 3×2, 2×3 and 3×3 tiles with a thumbnail; MSAC has 4, 2 and 4 more.
  assert.deepEqual(
    arms.map(({ tokensPerPage }) => tokensPerPage),
    [8 * 64, (34 / 3) * 64, 64],
  )
  assert.deepEqual(
    arms.map(({ steps }) => steps.tokens),
    [90, Math.round((90 * 24) / 34), 180],
  )
  // The dynamic arm's steps are the same under both budgets: it is trained once.
  assert.equal(runsOf(arms, 3).length, 3 * 5)
})

/** Two seeds in which `read` of ten words are right, crossed and clear, arm by arm. */
function resultOf(read: Record<'dynamic' | 'msac', readonly (readonly [crossed: number, clear: number])[]>) {
  const words = [...'abcdefghij']
  const readings = (['dynamic', 'msac'] as const).flatMap((arm) =>
    read[arm].flatMap((counts, i) =>
      (['crossed', 'clear'] as const).map(
        (placement, p): PageReading => ({
          ...{ arm, seed: i + 1, steps: 90, placement, index: 0, words, visualTokens: 64 },
          // The dynamic grid cuts crossed words; MSAC's grids cut the first two of them.
          cut: words.map((_, w) => placement === 'crossed' && (arm === 'dynamic' || w < 2)),
          given: words.slice(0, counts[p]).join(' '),
        }),
      ),
    ),
  )
  const runs = runsOf(arms.slice(0, 2), 2).filter(({ steps }) => steps === 90)
  return { model: 'm', batchSize: 1, pairs: 1, arms, runs, doneRuns: runs, readings } satisfies TilingsResult
}

test('costs are taken pair by pair, and the distance to the dynamic arm seed by seed', () => {
  const scores = scoreTilings(
    resultOf({
      dynamic: [
        [4, 8],
        [5, 9],
      ],
      msac: [
        [7, 8],
        [8, 9],
      ],
    }),
    'pages',
  )
  const [dynamic, msac] = scores
  assert.equal(scores.length, 2)
  const close = (value: number | undefined, expected: number) => assert.ok(Math.abs(value! - expected) < 1e-9)
  close(dynamic!.crossedWords.mean, 0.45)
  close(dynamic!.cost.mean, 0.4)
  // Both seeds agree, so that the interval is a point although the levels differ.
  close(dynamic!.cost.interval![0], 0.4)
  close(msac!.overDynamic!.interval![0], 0.3)
  close(dynamic!.crossedCut, 1)
  close(msac!.crossedCut, 0.2)
  close(msac!.ownCutWords!.mean, 1)
  close(msac!.ownWholeWords!.mean, (5 + 8 + 6 + 9) / 36)
  const [first, second] = conclusions(scores)
  assert.match(first!, /^- Crossing costs dynamic words \(\+40\.0 points/)
  assert.match(second!, /it reads more crossed words than dynamic \(\+30\.0 points/)
})

test('what chance may have done is not called an effect, and nothing is concluded of a model that cannot read', () => {
  const unsure = resultOf({
    dynamic: [
      [4, 8],
      [8, 8],
    ],
    msac: [
      [8, 8],
      [4, 8],
    ],
  })
  const [first, second] = conclusions(scoreTilings(unsure, 'pages'))
  assert.match(first!, /nothing that these seeds can tell from chance/)
  assert.match(second!, /cannot be told from dynamic/)
  const blind = resultOf({
    dynamic: [
      [0, 0],
      [0, 0],
    ],
    msac: [
      [0, 0],
      [0, 1],
    ],
  })
  assert.deepEqual(conclusions(scoreTilings(blind, 'pages')).length, 1)
  assert.match(conclusions(scoreTilings(blind, 'pages'))[0]!, /does not read well enough/)
})
