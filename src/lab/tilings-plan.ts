import { planTiles } from '../tiling/tiling.ts'
import { type ArmName, armTiling } from './arms.ts'
import type { LabModel } from './lab-model.ts'
import { pageShapes } from './page.ts'

/** What the arms have in common: as many pages, or as many visual tokens. */
export const budgets = ['pages', 'tokens'] as const
export type Budget = (typeof budgets)[number]

/** One arm trained with one seed for so many steps. */
export interface TilingRun {
  readonly arm: ArmName
  readonly seed: number
  readonly steps: number
}

/** An arm's cost and its steps under each budget. */
export interface ArmPlan {
  readonly arm: ArmName
  /** Tiles that the vision tower sees of a page, the mean over the shapes of pages. */
  readonly tilesPerPage: number
  /** Visual tokens that the decoder reads of a page. */
  readonly tokensPerPage: number
  readonly steps: Readonly<Record<Budget, number>>
}

/** An arm with few tokens a page trains longer under the budget of tokens, but no longer than this times. */
const mostRepeats = 2

/** What each arm costs, and for how many steps it is trained: under the budget of tokens so that all read what the dynamic arm does. */
export function planArms(
  arms: readonly ArmName[],
  steps: number,
  model: Pick<LabModel, 'tileSize' | 'tokensPerTile'>,
): ArmPlan[] {
  const common = tokensOf('dynamic', model)
  return arms.map((arm) => {
    const tokensPerPage = tokensOf(arm, model)
    const repeats = Math.min(mostRepeats, common / tokensPerPage)
    return {
      arm,
      tilesPerPage: tilesOf(arm, model.tileSize),
      tokensPerPage,
      steps: { pages: steps, tokens: Math.max(1, Math.round(steps * repeats)) },
    }
  })
}

/** Every run once: all seeds of all arms under the budget of pages, then those that the budget of tokens adds. */
export function runsOf(arms: readonly ArmPlan[], seeds: number): TilingRun[] {
  const runs: TilingRun[] = []
  for (const budget of budgets)
    for (let seed = 1; seed <= seeds; seed++)
      for (const { arm, steps } of arms) {
        const run = { arm, seed, steps: steps[budget] }
        if (!runs.some((other) => isSameRun(other, run))) runs.push(run)
      }
  return runs
}

export function isSameRun(a: TilingRun, b: TilingRun): boolean {
  return a.arm === b.arm && a.seed === b.seed && a.steps === b.steps
}

function tilesOf(arm: ArmName, tileSize: number): number {
  const counts = pageShapes.map(({ columns, rows }) => {
    const size = { width: columns * tileSize, height: rows * tileSize }
    return planTiles(size, armTiling(arm, tileSize)).tiles.length
  })
  return counts.reduce((sum, count) => sum + count, 0) / counts.length
}

/** S2 joins its crops along channels: a page has the tokens of one tile. */
function tokensOf(
  arm: ArmName,
  { tileSize, tokensPerTile }: Pick<LabModel, 'tileSize' | 'tokensPerTile'>,
): number {
  return (arm === 's2' ? 1 : tilesOf(arm, tileSize)) * tokensPerTile
}
