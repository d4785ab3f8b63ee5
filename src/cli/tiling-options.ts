import type { RgbImage, Size } from '../image/rgb-image.ts'
import type { MsacFilter, MsacOrder } from '../tiling/msac.ts'
import { type MsacPresetName, msacPresets } from '../tiling/msac-presets.ts'
import { type TilingOptions, type TilingStrategy, tilingStrategies } from '../tiling/tiling.ts'
import { flagName } from './flag-name.ts'
import {
  choice,
  flag,
  grouped,
  negated,
  numbers,
  type Option,
  text,
  type Values,
  wholeNumber,
} from './option.ts'
import { UsageError } from './usage-error.ts'

const orders = ['evaluation', 'demo', 'training', 'vqa'] as const satisfies readonly MsacOrder[]
const filters = ['or', 'and', 'none'] as const satisfies readonly MsacFilter[]
const fits = ['pad', 'crop'] as const
const presetNames = Object.keys(msacPresets) as MsacPresetName[]

/** What the strategies can be told; which strategy has which is in `strategiesOf`. */
export const tilingFlags = grouped('Options of the tilings', {
  maxTiles: wholeNumber(
    'N',
    'most tiles (dynamic: 12 by default; msac: of the detailed grid, by the preset)',
  ),
  minTiles: wholeNumber(
    'N',
    'fewest tiles (dynamic: 1 by default; msac: of the detailed grid, by the preset)',
  ),
  thumbnail: negated('dynamic: leave out the whole picture at the end'),
  keepSize: flag('dynamic: small pictures keep their size, in the middle of whole tiles'),
  preset: choice('NAME', presetNames, `msac: published settings: ${presetNames.join(', ')}`),
  order: choice('ORDER', orders, 'msac: sequence of the groups'),
  filter: choice('RULE', filters, 'msac: which adaptive grids survive the detailed one'),
  maxAdaptive: wholeNumber('N', 'msac: most tiles of the adaptive grid'),
  minAdaptive: wholeNumber('N', 'msac: fewest tiles of the adaptive grid'),
  columns: wholeNumber('N', 'fixed: tiles across (default 2)'),
  rows: wholeNumber('N', 'fixed: tiles down (default 2)'),
  fit: choice('RULE', fits, 'square: pad the picture to a square (default), or crop its middle'),
  pinpoints: text(
    'LIST',
    'anyres: canvases to choose from, such as 336x672,672x336 (default those of LLaVA 1.6)',
  ),
  canvas: text('WxH', 'overlapping: size to which the picture is resized (default two tiles by two)'),
  stride: wholeNumber('N', 'overlapping: pixels from window to window (default half a tile)'),
  global: negated('fixed, overlapping: leave out the whole picture at the end'),
  scales: numbers('LIST', 's2: scales of the picture, such as 1,2,3 (default 1,2)'),
  maxSplitSize: wholeNumber('N', 's2: largest crop (default the tile size)'),
})

export type TilingFlags = Values<typeof tilingFlags>

const strategiesOf: Record<keyof TilingFlags, readonly TilingStrategy[]> = {
  maxTiles: ['dynamic', 'msac'],
  minTiles: ['dynamic', 'msac'],
  thumbnail: ['dynamic'],
  keepSize: ['dynamic'],
  preset: ['msac'],
  order: ['msac'],
  filter: ['msac'],
  maxAdaptive: ['msac'],
  minAdaptive: ['msac'],
  columns: ['fixed'],
  rows: ['fixed'],
  fit: ['square'],
  pinpoints: ['anyres'],
  canvas: ['overlapping'],
  stride: ['overlapping'],
  global: ['fixed', 'overlapping'],
  scales: ['s2'],
  maxSplitSize: ['s2'],
}

/** The flags of the tilings that a command line named. */
export function namedTilingFlags(flags: TilingFlags): (keyof TilingFlags)[] {
  return (Object.keys(strategiesOf) as (keyof TilingFlags)[]).filter((key) => flags[key] !== undefined)
}

/**
 * Refuses flags that the strategy does not have.
 * @throws UsageError that names the strategies which have it, and the flags that this one has.
 */
export function checkTilingFlags(strategy: TilingStrategy, flags: TilingFlags): void {
  for (const key of namedTilingFlags(flags)) {
    if (strategiesOf[key].includes(strategy)) continue
    const own = (Object.keys(strategiesOf) as (keyof TilingFlags)[]).filter((other) =>
      strategiesOf[other].includes(strategy),
    )
    const has = own.length > 0 ? `It has ${own.map(tilingFlagName).join(', ')}.` : 'It has no options.'
    throw new UsageError(
      `The ${strategy} tiling has no option ${tilingFlagName(key)}, ` +
        `which belongs to ${strategiesOf[key].join(' and ')}. ${has}`,
    )
  }
}

export function tilingFlagName(key: keyof TilingFlags): string {
  return flagName(key, tilingFlags[key] as Option<unknown>)
}

/** The strategy's options out of its flags. @throws UsageError */
export function tilingOptions(
  strategy: TilingStrategy,
  flags: TilingFlags,
  tileSize?: number,
): TilingOptions {
  checkTilingFlags(strategy, flags)
  const { minTiles, maxTiles, columns, rows, stride, scales, maxSplitSize } = flags
  const side = given({ tileSize })
  switch (strategy) {
    case 'single':
      return { strategy, ...side }
    case 'square':
      return { strategy, ...side, ...given({ fit: flags.fit }) }
    case 'anyres': {
      const pinpoints = flags.pinpoints?.split(',').map((words) => pixelSize('pinpoints', words))
      return { strategy, ...side, ...given({ pinpoints }) }
    }
    case 'dynamic':
      return {
        ...{ strategy, ...side },
        ...given({ minTiles, maxTiles, usesThumbnail: flags.thumbnail, keepsSize: flags.keepSize }),
      }
    case 'fixed':
      return { strategy, ...side, ...given({ columns, rows, usesGlobal: flags.global }) }
    case 'overlapping': {
      const canvas = flags.canvas === undefined ? undefined : pixelSize('canvas', flags.canvas)
      return { strategy, ...side, ...given({ canvas, stride, usesGlobal: flags.global }) }
    }
    case 's2':
      return { strategy, ...side, ...given({ scales, maxSplitSize }) }
    case 'msac':
      return { strategy, ...side, ...msacOptions(flags) }
  }
}

function msacOptions({ preset, order, filter, minTiles, maxTiles, minAdaptive, maxAdaptive }: TilingFlags) {
  const settings = msacPresets[preset ?? 'vlmevalkit:default']
  return given({
    preset,
    order,
    filter,
    detailed: msacRange(minTiles, maxTiles, settings.detailed.min),
    adaptive: msacRange(minAdaptive, maxAdaptive, settings.adaptive.min),
  })
}

/** A maximum below the preset's minimum takes the minimum down with it: `--max-tiles 3` means at most three. */
function msacRange(min: number | undefined, max: number | undefined, presetMin: number | undefined) {
  if (min === undefined && max === undefined) return undefined
  const lowered = max !== undefined && presetMin !== undefined && max < presetMin ? max : undefined
  return given({ min: min ?? lowered, max })
}

function pixelSize(flag: string, words: string): Size {
  const [, width, height] = /^\s*(\d{1,5})[x×](\d{1,5})\s*$/i.exec(words) ?? []
  if (width === undefined || height === undefined)
    throw new UsageError(`--${flag}: ${words} is not a size. Write it as WIDTHxHEIGHT, such as 896x896.`)
  return { width: Number(width), height: Number(height) }
}

/** The strategies by name, for `--strategy` and `--tiling`. */
export function strategyOption(help: string): Option<TilingStrategy> {
  return choice('NAME', tilingStrategies, `${help}: ${tilingStrategies.join(', ')}`)
}

/** Only what has a value: the strategies tell an option that is absent from one that is undefined. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

/** The picture as the preset's published pipeline hands it over: one of them doubles it first. */
export async function presetPicture(image: RgbImage, preset: MsacPresetName | undefined): Promise<RgbImage> {
  if (!preset || !msacPresets[preset].doublesPicture) return image
  const { resizeRgb } = await import('../image/resize.ts')
  return resizeRgb(image, image.width * 2, image.height * 2, 'bilinear')
}
