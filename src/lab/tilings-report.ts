import type { MeanInterval } from '../eval/mean-interval.ts'
import { intervalChart } from './interval-chart.ts'
import { nothingRead, percent, percentage, points, readingFloor, table } from './report-words.ts'
import type { TilingsResult } from './tilings.ts'
import { type Budget, budgets } from './tilings-plan.ts'
import { type ArmScores, scoreTilings } from './tilings-scores.ts'

const titles: Readonly<Record<Budget, string>> = {
  pages: 'Equal pages',
  tokens: 'Equal visual tokens',
}

/** Everything that can be said of an experiment so far, as Markdown. `figure` is the file that the text shows. */
export function tilingsReport(result: TilingsResult, figure: string): string {
  const { doneRuns, runs, pairs, batchSize, arms } = result
  const state =
    doneRuns.length === runs.length
      ? ''
      : `**Not finished: ${doneRuns.length} of ${runs.length} runs are in these figures.**\n\n`
  const sections = budgets.flatMap((budget) => {
    const scores = scoreTilings(result, budget)
    return scores.length === 0
      ? []
      : [`### ${titles[budget]}\n\n${armTable(scores, batchSize)}\n\n${conclusions(scores).join('\n')}\n`]
  })
  const shape = arms.map(({ arm, tilesPerPage, tokensPerPage }) => [
    arm,
    tilesPerPage.toFixed(1),
    tokensPerPage.toFixed(0),
    ...ownCells(scoreTilings(result, 'pages').find((scores) => scores.arm === arm)),
  ])
  const heads = [
    ...['tiling', 'tiles a page', 'visual tokens a page', 'cut of crossed words', 'cut of clear words'],
    ...['read, cut by its own borders', 'read, not cut by them', 'cost of its own cuts'],
  ]
  return (
    `${state}${pairs} pairs of test pages, ${Math.max(0, ...doneRuns.map(({ seed }) => seed))} seeds; ` +
    'means over seeds with 95 % intervals by Student’s t.\n\n' +
    `![Words read on crossed and on clear pages](${figure})\n\n${sections.join('\n')}\n` +
    `### By each tiling's own borders (equal pages)\n\n${table(heads, shape)}\n`
  )
}

/** The numbers behind the report, budget by budget. */
export function tilingsNumbers(result: TilingsResult) {
  const { readings, ...known } = result
  return {
    ...known,
    pagesRead: readings.length,
    budgets: Object.fromEntries(budgets.map((budget) => [budget, scoreTilings(result, budget)])),
  }
}

/** The figure: words read on clear and crossed pages, tiling by tiling, a panel for each budget. */
export function tilingsFigure(result: TilingsResult): string {
  const panels = budgets.flatMap((budget) => {
    const scores = scoreTilings(result, budget)
    if (scores.length === 0) return []
    const series = (name: string, of: (one: ArmScores) => MeanInterval) => ({ name, values: scores.map(of) })
    return [
      {
        title: titles[budget],
        categories: scores.map(({ arm }) => arm),
        series: [
          series('words clear of borders', ({ clearWords }) => clearWords),
          series('words across borders', ({ crossedWords }) => crossedWords),
        ],
      },
    ]
  })
  return intervalChart('Words read, share of all', panels)
}

function armTable(scores: readonly ArmScores[], batchSize: number): string {
  const heads = [
    ...[
      'tiling',
      'seeds × steps',
      'visual tokens trained on',
      'words read, clear',
      'words read, crossed',
      'cost of crossing',
    ],
    ...['crossed, against dynamic', 'character errors, clear', 'character errors, crossed'],
  ]
  const rows = scores.map((one) => [
    one.arm,
    `${one.seeds} × ${one.steps}`,
    `${((one.steps * batchSize * one.plan.tokensPerPage) / 1e6).toFixed(2)} M`,
    percentage(one.clearWords),
    percentage(one.crossedWords),
    points(one.cost),
    one.overDynamic ? points(one.overDynamic) : '',
    percentage(one.clearErrors),
    percentage(one.crossedErrors),
  ])
  return table(heads, rows)
}

function ownCells(scores: ArmScores | undefined): string[] {
  if (!scores) return ['', '', '', '', '']
  const { crossedCut, clearCut, ownCutWords, ownWholeWords, ownCost } = scores
  return [
    percent(crossedCut),
    percent(clearCut),
    ownCutWords ? percentage(ownCutWords) : 'none are cut',
    ownWholeWords ? percentage(ownWholeWords) : 'all are cut',
    ownCost ? points(ownCost) : '',
  ]
}

/** What the intervals allow to say, and no more. */
export function conclusions(scores: readonly ArmScores[]): string[] {
  const best = Math.max(...scores.map(({ clearWords }) => clearWords.mean))
  if (best < readingFloor) return [nothingRead(best)]
  return scores.map(({ arm, cost, overDynamic }) => {
    const own = told(
      cost,
      `Crossing costs ${arm} words`,
      `${arm} reads crossed words better than clear ones`,
      {
        none: `Crossing costs ${arm} nothing that these seeds can tell from chance`,
      },
    )
    const against =
      overDynamic &&
      told(
        overDynamic,
        'it reads more crossed words than dynamic',
        'it reads fewer crossed words than dynamic',
        {
          none: 'on crossed words it cannot be told from dynamic',
        },
      )
    return `- ${own} (${points(cost)})${against ? `; ${against} (${points(overDynamic)})` : ''}.`
  })
}

/** Which of three sentences an interval allows. One seed allows none of the first two. */
function told(
  { interval }: MeanInterval,
  above: string,
  below: string,
  { none }: { readonly none: string },
): string {
  if (interval && interval[0] > 0) return above
  return interval && interval[1] < 0 ? below : none
}
