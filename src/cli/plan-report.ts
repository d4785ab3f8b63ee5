import { groupTiles, type TilePlan } from '../tiling/plan.ts'
import { count, plural, table } from './words.ts'

/**
 * A plan with its counts, as `--json` prints it. Tokens of tiles smaller than the plan's (S2 crops) are in
 * proportion to their area; `source` is in pixels of the original picture.
 */
export function planReport(plan: TilePlan, tokensPerTile: number) {
  const { strategy, original, tileSize } = plan
  const groups = plan.groups.map((group) => {
    const share = (group.tile.width * group.tile.height) / tileSize ** 2
    const tiles = groupTiles(group)
    const { name, columns, rows, resizedTo, tile, stride } = group
    return {
      name,
      columns,
      rows,
      tiles,
      tokens: Math.round(tiles * tokensPerTile * share),
      resizedTo,
      tile,
      stride,
    }
  })
  return {
    strategy,
    original,
    tileSize,
    tokensPerTile,
    tileCount: plan.tiles.length,
    tokenCount: groups.reduce((sum, group) => sum + group.tokens, 0),
    groups,
    tiles: plan.tiles.map((tile) => ({ ...tile, group: plan.groups[tile.group]!.name })),
  }
}

export type PlanReport = ReturnType<typeof planReport>

/** The plan in a line, and a line for each of its groups. */
export function planText(name: string, report: PlanReport): string {
  const { original, strategy, tileSize, tileCount, tokenCount } = report
  const rows = report.groups.map((group) => [
    `  ${group.name}`,
    `${group.columns} × ${group.rows}`,
    plural(group.tiles, 'tile'),
    plural(group.tokens, 'token'),
    `resized to ${group.resizedTo.width} × ${group.resizedTo.height}`,
  ])
  return (
    `${name}: ${count(original.width)} × ${count(original.height)} pixels, ${strategy} tiling, ` +
    `${plural(tileCount, 'tile')} of ${tileSize} pixels, ${plural(tokenCount, 'token')}\n` +
    table(rows, [false, true, true, true, false])
  )
}
