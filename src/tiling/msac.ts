import { checkSize, type Size } from '../image/rgb-image.ts'
import { InputError } from '../tensor/errors.ts'
import { chooseGrid, type TileRange } from './grid.ts'
import { type MsacPreset, type MsacPresetName, msacPresets } from './msac-presets.ts'
import { knownOptions, refuseOption, tileRange, tileSide } from './options.ts'
import {
  type Grid,
  gridGroup,
  groupTiles,
  makePlan,
  type TileGroup,
  type TilePlan,
  wholeGroup,
} from './plan.ts'

/**
 * Which adaptive grids survive the detailed one: `or` those with a cut line that the detailed grid lacks on
 * at least one axis (inference), `and` on both axes (training), `none` all of them (the repository adapter
 * with several images).
 */
export type MsacFilter = 'or' | 'and' | 'none'

/**
 * The sequence of the groups: `evaluation` detailed, adaptive, global (what token compression assumes);
 * `demo` adaptive, detailed, global; `training` as evaluation, with the adaptive group kept even when it is
 * one tile; `vqa` detailed and adaptive, each followed by its own global tile.
 */
export type MsacOrder = 'evaluation' | 'demo' | 'training' | 'vqa'

/** Mini-Monkey's multi-scale adaptive cropping, later named complementary image pyramid. */
export interface MsacOptions {
  readonly strategy: 'msac'
  /** Default 448. */
  readonly tileSize?: number
  /** Where the settings below start from; default `vlmevalkit:default`: 4..12, 3..7, `or`, `evaluation`. */
  readonly preset?: MsacPresetName
  readonly detailed?: Partial<TileRange>
  readonly adaptive?: Partial<TileRange>
  readonly filter?: MsacFilter
  readonly order?: MsacOrder
}

const filters: Record<MsacFilter, (detailed: Grid, grid: Grid) => boolean> = {
  or: (d, g) => d.columns % g.columns !== 0 || d.rows % g.rows !== 0,
  and: (d, g) => d.columns % g.columns !== 0 && d.rows % g.rows !== 0,
  none: () => true,
}

/**
 * The groups of each order, out of the detailed, adaptive and global ones; `isMany` tells grids above 1×1.
 */
const orders: Record<MsacOrder, (d: TileGroup, a: TileGroup, g: TileGroup) => TileGroup[]> = {
  evaluation: (d, a, g) => [...(isMany(d) ? [d] : []), ...(isMany(a) ? [a] : []), g],
  demo: (d, a, g) => [...(isMany(a) ? [a] : []), ...(isMany(d) ? [d] : []), g],
  training: (d, a, g) => [...(isMany(d) ? [d] : []), a, g],
  vqa: (d, a, g) => [...(isMany(d) ? [d] : []), g, ...(isMany(a) ? [a] : []), g],
}

function isMany(group: TileGroup): boolean {
  return groupTiles(group) > 1
}

/**
 * Two grids whose cut lines fall in different places, and the whole picture, so that what one grid cuts the
 * other keeps whole. A detailed grid of 1×1 is the global tile and has no group of its own.
 * Source: Mini-Monkey (arXiv 2408.02034), section 3.2; golden cases `internvl-tiling`, `minimonkey-msac`.
 * @throws InputError `tiling-option`, `tiling-unknown-option`, `tiling-preset`, `image-size`
 */
export function planMsac(size: Size, options: MsacOptions): TilePlan {
  knownOptions('msac', options, ['tileSize', 'preset', 'detailed', 'adaptive', 'filter', 'order'])
  const tileSize = tileSide('msac', options.tileSize)
  const preset = presetOf(options.preset ?? 'vlmevalkit:default')
  const { filter = preset.filter, order = preset.order } = options
  if (!Object.hasOwn(filters, filter)) refuseOption('msac', 'filter', filter, Object.keys(filters).join(', '))
  if (!Object.hasOwn(orders, order)) refuseOption('msac', 'order', order, Object.keys(orders).join(', '))
  checkSize(size)
  const detailedGrid = chooseGrid(size, rangeOf('detailed', options.detailed, preset.detailed), tileSize)
  const adaptiveGrid = chooseGrid(
    size,
    rangeOf('adaptive', options.adaptive, preset.adaptive),
    tileSize,
    (grid) => filters[filter](detailedGrid, grid),
  )
  const groups = orders[order](
    gridGroup('detailed', detailedGrid, tileSize),
    gridGroup('adaptive', adaptiveGrid, tileSize),
    wholeGroup('global', tileSize),
  )
  return makePlan('msac', size, tileSize, groups, { detailedGrid })
}

function presetOf(name: MsacPresetName): MsacPreset {
  if (Object.hasOwn(msacPresets, name)) return msacPresets[name]
  const known = Object.keys(msacPresets)
  throw new InputError('tiling-preset', `There is no msac preset ${name}. Take one of ${known.join(', ')}.`, {
    preset: name,
    known,
  })
}

function rangeOf(
  group: 'detailed' | 'adaptive',
  given: Partial<TileRange> | undefined,
  preset: MsacPreset['detailed'],
): TileRange {
  knownOptions(`msac ${group}`, given ?? {}, ['min', 'max'])
  const min = given?.min ?? preset.min
  const max = given?.max ?? Math.max(preset.max, given?.min ?? 0)
  if (min === undefined)
    throw new InputError(
      'tiling-preset',
      `This msac preset sets only the most ${group} tiles (${max}); the published code keeps the minimum ` +
        `that an earlier benchmark left. Give ${group}.min.`,
      { group, max },
    )
  return tileRange('msac', `${group}.min`, min, `${group}.max`, max)
}
