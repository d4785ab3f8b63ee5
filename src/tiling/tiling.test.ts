import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { filledImage, type Size } from '../image/rgb-image.ts'
import { cutTiles } from './cut.ts'
import { msacPresets } from './msac-presets.ts'
import { groupTiles, type TilePlan, tileExtents } from './plan.ts'
import { planTiles, type TilingOptions } from './tiling.ts'

const sizes = fc.record({
  width: fc.integer({ min: 1, max: 5000 }),
  height: fc.integer({ min: 1, max: 5000 }),
})
const extremes: Size[] = [
  { width: 1, height: 1 },
  { width: 1, height: 100_000 },
  { width: 100_000, height: 1 },
]
const options: TilingOptions[] = [
  { strategy: 'single' },
  { strategy: 'square' },
  { strategy: 'anyres' },
  { strategy: 'dynamic' },
  { strategy: 'dynamic', keepsSize: true },
  { strategy: 'dynamic', tileSize: 28, minTiles: 3, maxTiles: 40, usesThumbnail: false },
  { strategy: 'fixed', columns: 3, rows: 1, usesGlobal: false },
  { strategy: 'overlapping', tileSize: 30, canvas: { width: 90, height: 60 }, stride: 10, usesGlobal: false },
  { strategy: 's2', scales: [1, 1.5, 3], tileSize: 28, maxSplitSize: 21 },
  { strategy: 'msac', adaptive: { max: 4, min: 1 } },
  ...(Object.keys(msacPresets) as (keyof typeof msacPresets)[])
    .filter((preset) => preset !== 'vlmevalkit:ChartQA')
    .map((preset): TilingOptions => ({ strategy: 'msac', preset })),
]

/**
 * Every group shows the whole picture: its rows and columns, joined, reach from edge to edge without a gap. A tile of
 * nothing but padding shows none of it.
 */
function checkPlan(plan: TilePlan, size: Size): void {
  assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan)
  assert.deepEqual(plan.original, { ...size })
  let tiles = 0
  for (const [index, group] of plan.groups.entries()) {
    const own = plan.tiles.filter((tile) => tile.group === index)
    assert.equal(own.length, groupTiles(group))
    tiles += own.length
    checkCovers(
      own.map(({ source }) => [source.x0, source.x1]),
      size.width,
    )
    checkCovers(
      own.map(({ source }) => [source.y0, source.y1]),
      size.height,
    )
    const cells = new Set(own.map(({ row, column }) => row * group.columns + column))
    assert.equal(cells.size, group.columns * group.rows)
  }
  assert.equal(plan.tiles.length, tiles)
  assert.ok(plan.tiles.every((tile, i) => tile.index === i))
}

function checkCovers(intervals: [start: number, end: number][], length: number): void {
  let reached = 0
  for (const [start, end] of intervals.sort((a, b) => a[0] - b[0])) {
    assert.ok(start >= 0 && end <= length && start <= end, `${start}…${end} of ${length}`)
    assert.ok(start <= reached + 1e-9)
    reached = Math.max(reached, end)
  }
  assert.equal(reached, length)
}

test('every plan covers the picture, stays inside it and numbers its tiles in order', () => {
  for (const size of extremes) for (const each of options) checkPlan(planTiles(size, each), size)
  fc.assert(
    fc.property(sizes, fc.constantFrom(...options), (size, each) => checkPlan(planTiles(size, each), size)),
    { numRuns: 400, seed: 6 },
  )
})

test('tile counts stay within the range that was asked for', () => {
  fc.assert(
    fc.property(
      sizes,
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 20 }),
      (size, minTiles, more) => {
        const plan = planTiles(size, { strategy: 'dynamic', minTiles, maxTiles: minTiles + more })
        const tiles = groupTiles(plan.groups[0]!)
        assert.ok(tiles >= minTiles && tiles <= minTiles + more)
        assert.equal(plan.tiles.length, tiles === 1 ? 1 : tiles + 1)
      },
    ),
    { numRuns: 200, seed: 7 },
  )
})

test('a picture that keeps its size lies in the middle of whole tiles, unless they would be too many', () => {
  const options = { strategy: 'dynamic', tileSize: 100, maxTiles: 6, keepsSize: true } as const
  fc.assert(
    fc.property(sizes, ({ width, height }) => {
      const plan = planTiles({ width, height }, options)
      const { columns, rows, resizedTo, canvas } = plan.groups[0]!
      assert.ok(columns * rows <= 6)
      if (!canvas) return assert.ok(Math.ceil(width / 100) * Math.ceil(height / 100) > 6)
      assert.deepEqual(resizedTo, { width, height })
      assert.deepEqual([canvas.width, canvas.height], [100 * columns, 100 * rows])
      for (const [i, { x0, y0, x1, y1 }] of tileExtents(plan)
        .slice(0, columns * rows)
        .entries()) {
        assert.deepEqual([x1 - x0, y1 - y0], [100, 100])
        assert.deepEqual([x0 + canvas.x, y0 + canvas.y], [100 * (i % columns), 100 * Math.floor(i / columns)])
      }
    }),
    { numRuns: 200, seed: 11 },
  )
  const image = filledImage(150, 60, [9, 8, 7])
  const [left, right] = cutTiles(image, planTiles(image, options))
  assert.deepEqual([...left!.data.subarray(30 * 300, 30 * 300 + 3)], [124, 116, 104])
  assert.deepEqual([...right!.data.subarray(30 * 300, 30 * 300 + 3)], [9, 8, 7])
})

test('the published example: 1600×1200 in the demo is 3×2, 4×3 and the whole', () => {
  const plan = planTiles({ width: 1600, height: 1200 }, { strategy: 'msac', preset: 'demo' })
  assert.deepEqual(
    plan.groups.map(({ name, columns, rows, resizedTo }) => [name, columns, rows, resizedTo.width]),
    [
      ['adaptive', 3, 2, 1344],
      ['detailed', 4, 3, 1792],
      ['global', 1, 1, 448],
    ],
  )
  assert.deepEqual(plan.detailedGrid, { columns: 4, rows: 3 })
  assert.deepEqual(plan.tiles[6]?.source, { x0: 0, y0: 0, x1: 400, y1: 400 })
  const training = planTiles({ width: 1600, height: 1200 }, { strategy: 'msac', preset: 'training' })
  assert.deepEqual(training.groups.map(groupTiles), [6, 1, 1])
})

test('grids of one tile follow the slicing of each pipeline', () => {
  const groups = (order: 'evaluation' | 'demo' | 'training' | 'vqa', adaptive: number) =>
    planTiles(
      { width: 100, height: 100 },
      {
        strategy: 'msac',
        order,
        filter: 'none',
        detailed: { min: 1, max: 1 },
        adaptive: { min: adaptive, max: adaptive },
      },
    ).groups.map(({ name }) => name)
  assert.deepEqual(groups('evaluation', 1), ['global'])
  assert.deepEqual(groups('demo', 4), ['adaptive', 'global'])
  assert.deepEqual(groups('training', 1), ['adaptive', 'global'])
  assert.deepEqual(groups('vqa', 1), ['global', 'global'])
  assert.deepEqual(groups('vqa', 4), ['global', 'adaptive', 'global'])
})

test('overlapping windows may leave a margin only to the global view', () => {
  const canvas = { width: 100, height: 64 }
  const plan = planTiles(
    { width: 9, height: 9 },
    { strategy: 'overlapping', tileSize: 64, canvas, stride: 20 },
  )
  assert.deepEqual(plan.groups.map(groupTiles), [2, 1])
  assert.throws(
    () =>
      planTiles(
        { width: 9, height: 9 },
        { strategy: 'overlapping', tileSize: 64, canvas, stride: 20, usesGlobal: false },
      ),
    { code: 'tiling-uncovered', message: /16 pixels at the right and 0 below/ },
  )
})

test('names the option that is unknown, out of range or missing', () => {
  const refuse = (given: object, code: string, message: RegExp) =>
    assert.throws(() => planTiles({ width: 9, height: 9 }, given as TilingOptions), { code, message })
  refuse({ strategy: 'dynamic', max: 4 }, 'tiling-unknown-option', /no option max. It has tileSize, minTiles/)
  refuse({ strategy: 'dynamic', maxTiles: 0 }, 'tiling-option', /maxTiles = 0. Give a whole number from 1/)
  refuse(
    { strategy: 'dynamic', minTiles: 9, maxTiles: 4 },
    'tiling-option',
    /minTiles = 9. Give at most maxTiles/,
  )
  refuse({ strategy: 'mosaic' }, 'tiling-strategy', /"mosaic". Take one of single, square/)
  refuse({ strategy: 'msac', preset: 'kit' }, 'tiling-preset', /no msac preset kit/)
  refuse(
    { strategy: 'msac', preset: 'vlmevalkit:ChartQA' },
    'tiling-preset',
    /only the most detailed tiles \(12\)/,
  )
  refuse(
    { strategy: 'msac', detailed: { most: 3 } },
    'tiling-unknown-option',
    /msac detailed tiling has no option most/,
  )
  refuse({ strategy: 'msac', filter: 'xor' }, 'tiling-option', /filter = "xor". Give or, and, none/)
  refuse({ strategy: 's2', scales: [1, 1.303] }, 'tiling-option', /side \(here 583\) divides into 2/)
  refuse({ strategy: 'overlapping', canvas: { width: 9, height: 9 } }, 'tiling-option', /sides of at least/)
  assert.throws(() => planTiles({ width: 0, height: 9 }, { strategy: 'single' }), { code: 'image-size' })
})
