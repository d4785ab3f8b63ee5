import { characterErrorRate, readingErrors } from '../eval/character-error-rate.ts'
import { type MeanInterval, meanInterval } from '../eval/mean-interval.ts'
import type { ArmName } from './arms.ts'
import type { Placement } from './page.ts'
import type { PageReading, TilingsResult } from './tilings.ts'
import { type ArmPlan, type Budget, isSameRun } from './tilings-plan.ts'
import { wordsRead } from './words-read.ts'

/** An arm under one budget; means and intervals are over seeds. */
export interface ArmScores {
  readonly arm: ArmName
  readonly plan: ArmPlan
  readonly steps: number
  readonly seeds: number
  /** Shares of words that were read. */
  readonly crossedWords: MeanInterval
  readonly clearWords: MeanInterval
  /** What crossing costs: clear less crossed, pair by pair. */
  readonly cost: MeanInterval
  /** How much more of the crossed words is read than by the dynamic arm with the same seed. */
  readonly overDynamic: MeanInterval | undefined
  readonly crossedErrors: MeanInterval
  readonly clearErrors: MeanInterval
  /** Shares of words that the arm's own borders cut. */
  readonly crossedCut: number
  readonly clearCut: number
  /** Shares of words read among those that the arm's own borders cut, and among the others, on all pages. */
  readonly ownCutWords: MeanInterval | undefined
  readonly ownWholeWords: MeanInterval | undefined
  /** The second less the first. They are other words: on average as long, but not the same. */
  readonly ownCost: MeanInterval | undefined
}

/** The arms that have at least one seed done under a budget. */
export function scoreTilings(result: TilingsResult, budget: Budget): ArmScores[] {
  return result.arms.flatMap((plan) => {
    const bySeed = seedsOf(result, plan, budget)
    if (bySeed.size === 0) return []
    const all = [...bySeed.values()]
    const dynamic = result.arms.find(({ arm }) => arm === 'dynamic')
    const rivals = dynamic && seedsOf(result, dynamic, budget)
    const over = [...bySeed].flatMap(([seed, pages]) => {
      const rival = rivals?.get(seed)
      return rival ? [wordShare(pages, 'crossed') - wordShare(rival, 'crossed')] : []
    })
    const flat = all.flat()
    const [ownCut, ownWhole] = [true, false].map((isCut) => all.map((pages) => ownShare(pages, isCut)))
    return [
      {
        arm: plan.arm,
        plan,
        steps: plan.steps[budget],
        seeds: bySeed.size,
        crossedWords: meanInterval(all.map((pages) => wordShare(pages, 'crossed'))),
        clearWords: meanInterval(all.map((pages) => wordShare(pages, 'clear'))),
        cost: meanInterval(all.map((pages) => wordShare(pages, 'clear') - wordShare(pages, 'crossed'))),
        overDynamic: plan.arm !== 'dynamic' && over.length > 0 ? meanInterval(over) : undefined,
        crossedErrors: meanInterval(all.map((pages) => errorRate(pages, 'crossed'))),
        clearErrors: meanInterval(all.map((pages) => errorRate(pages, 'clear'))),
        crossedCut: share(flat.filter(isPlaced('crossed')).flatMap(({ cut }) => cut)),
        clearCut: share(flat.filter(isPlaced('clear')).flatMap(({ cut }) => cut)),
        ownCutWords: meanOf(ownCut!),
        ownWholeWords: meanOf(ownWhole!),
        ownCost: meanOf(ownWhole!.map((share, i) => share - ownCut![i]!)),
      },
    ]
  })
}

/** The readings of an arm under a budget, seed by seed. */
function seedsOf({ doneRuns, readings }: TilingsResult, { arm, steps }: ArmPlan, budget: Budget) {
  const runs = doneRuns.filter((run) => run.arm === arm && run.steps === steps[budget])
  return new Map(runs.map((run) => [run.seed, readings.filter((row) => isSameRun(row, run))]))
}

function isPlaced(placement: Placement) {
  return (page: PageReading): boolean => page.placement === placement
}

function wordShare(pages: readonly PageReading[], placement: Placement): number {
  return share(pages.filter(isPlaced(placement)).flatMap(({ words, given }) => wordsRead(words, given)))
}

function errorRate(pages: readonly PageReading[], placement: Placement): number {
  const placed = pages.filter(isPlaced(placement))
  return characterErrorRate(
    placed.map(({ words, given }) => readingErrors({ expected: words.join(' '), given })),
  )
}

/** The share read of words that the arm's own borders cut, or of those that they do not; NaN where there are none. */
function ownShare(pages: readonly PageReading[], isCut: boolean): number {
  return share(
    pages.flatMap(({ words, given, cut }) => wordsRead(words, given).filter((_, i) => cut[i] === isCut)),
  )
}

/** Undefined where a seed has no such words. */
function meanOf(shares: readonly number[]): MeanInterval | undefined {
  return shares.some(Number.isNaN) ? undefined : meanInterval(shares)
}

/** NaN of none. */
function share(values: readonly boolean[]): number {
  return values.filter(Boolean).length / values.length
}
