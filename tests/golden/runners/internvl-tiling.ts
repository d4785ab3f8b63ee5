import { readFile } from 'node:fs/promises'
import { candidateGrids } from '../../../src/tiling/grid.ts'
import type { MsacOptions } from '../../../src/tiling/msac.ts'
import { type MsacPresetName, msacPresets } from '../../../src/tiling/msac-presets.ts'
import { type Grid, groupTiles, type TilePlan } from '../../../src/tiling/plan.ts'
import { planTiles } from '../../../src/tiling/tiling.ts'
import type { GoldenCase, GoldenResult } from '../case.ts'

type Pair = readonly [columns: number, rows: number]

/** `table.json`: grids by picture size and setting. */
interface Table {
  readonly image_size: number
  readonly candidate_order: Readonly<Record<string, readonly Pair[]>>
  readonly rows: readonly {
    readonly size: Pair
    readonly internvl: Readonly<
      Record<string, { readonly grid: Pair; readonly tiles_with_thumbnail: number }>
    >
    readonly minimonkey: Readonly<Record<string, MsacEntry>>
  }[]
}

interface MsacEntry {
  readonly detailed: Pair
  readonly adaptive: Pair
  readonly sequence: string
  readonly tiles: number
}

/** Compares every grid, sequence and tile count of the table, and that the presets by name give the same. */
export async function run(golden: GoldenCase): Promise<GoldenResult> {
  const table = JSON.parse(await readFile(golden.file('table.json'), 'utf8')) as Table
  const mismatches: string[] = []
  let checked = 0
  const check = (where: string, actual: unknown, expected: unknown) => {
    checked++
    const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
    if (found !== wanted) mismatches.push(`${where}: ${found}, expected ${wanted}`)
  }
  for (const [range, order] of Object.entries(table.candidate_order)) {
    const [min, max] = range.split('-').map(Number)
    check(`candidate_order ${range}`, candidateGrids(min!, max!).map(pairOf), order)
  }
  for (const { size, internvl, minimonkey } of table.rows) {
    const [width, height] = size
    for (const [setting, expected] of Object.entries(internvl)) {
      const [, min, max, side] = /^(\d+)-(\d+)(?:@(\d+))?$/.exec(setting)!
      const tileSize = Number(side ?? table.image_size)
      const plan = planTiles(
        { width, height },
        { strategy: 'dynamic', tileSize, minTiles: Number(min), maxTiles: Number(max) },
      )
      const where = `${width}×${height} internvl ${setting}`
      check(
        where,
        [pairOf(plan.groups[0]!), plan.tiles.length],
        [expected.grid, expected.tiles_with_thumbnail],
      )
    }
    for (const [setting, expected] of Object.entries(minimonkey))
      for (const options of optionsOf(setting, table.image_size)) {
        const plan = planTiles({ width, height }, options)
        const where = `${width}×${height} minimonkey ${setting} ${options.preset ?? ''}`
        check(where, describe(plan, options.order), expected)
      }
  }
  return { mismatches, checked }
}

function pairOf({ columns, rows }: Grid): Pair {
  return [columns, rows]
}

/** `PIPELINE:NAME/NAME(rule,min-max,min-max)` as explicit options, and once more by each preset's name. */
function optionsOf(setting: string, tileSize: number): MsacOptions[] {
  const [, label, filter, minD, maxD, minA, maxA] = /^(.+)\((or|and),(\d+)-(\d+),(\d+)-(\d+)\)$/.exec(
    setting,
  )!
  const [pipeline, names] = label!.split(':') as [string, string?]
  const order = pipeline === 'demo' ? 'demo' : pipeline === 'train' ? 'training' : 'evaluation'
  const explicit: MsacOptions = {
    strategy: 'msac',
    tileSize,
    detailed: { min: Number(minD), max: Number(maxD) },
    adaptive: { min: Number(minA), max: Number(maxA) },
    filter: filter as 'or' | 'and',
    order,
  }
  const family = { kit: 'vlmevalkit', repo: 'repository', demo: 'demo', train: 'training' }[pipeline]
  const presets = names ? names.split('/').map((name) => `${family}:${name}`) : [family!]
  return [
    explicit,
    ...presets.map((preset): MsacOptions => {
      if (!Object.hasOwn(msacPresets, preset))
        throw new Error(`The table names ${preset}, which is not a preset.`)
      return { strategy: 'msac', tileSize, preset: preset as MsacPresetName, order }
    }),
  ]
}

/**
 * The plan in the table's words. A group of one tile that the sequence leaves out has no grid: it was 1×1.
 */
function describe(plan: TilePlan, order: MsacOptions['order']): MsacEntry {
  const groupAt = (name: string) => plan.groups.find((group) => group.name === name)
  const count = (name: string) => {
    const group = groupAt(name)
    return group ? groupTiles(group) : 0
  }
  const adaptive = groupAt('adaptive')
  const parts = [`D${count('detailed')}`, `A${count('adaptive')}`]
  if (order === 'demo') parts.reverse()
  return {
    detailed: pairOf(plan.detailedGrid!),
    adaptive: adaptive ? pairOf(adaptive) : [1, 1],
    sequence: [...parts, 'G'].join(' '),
    tiles: plan.tiles.length,
  }
}
