import assert from 'node:assert/strict'
import { test } from 'node:test'
import { candidateGrids, chooseGrid } from './grid.ts'

test('lists candidates by product and then in the order of a CPython set', () => {
  const pairs = candidateGrids(1, 6).map(({ columns, rows }) => `${columns}${rows}`)
  assert.equal(pairs.join(' '), '11 12 21 31 13 41 14 22 15 51 61 23 16 32')
})

test('lists every grid of the range once', () => {
  for (const [min, max] of [
    [1, 1],
    [7, 7],
    [12, 24],
    [1, 200],
  ] as const) {
    const grids = candidateGrids(min, max)
    let expected = 0
    for (let n = min; n <= max; n++) for (let c = 1; c <= n; c++) if (n % c === 0) expected++
    assert.equal(grids.length, expected)
    assert.equal(new Set(grids.map(({ columns, rows }) => `${columns}×${rows}`)).size, expected)
  }
})

test('an equal shape with more tiles wins only above half its area', () => {
  const grid = (side: number) => chooseGrid({ width: side, height: side }, { min: 1, max: 12 }, 448)
  assert.deepEqual(grid(633), { columns: 1, rows: 1 }) // 400,689 pixels of 401,408
  assert.deepEqual(grid(634), { columns: 2, rows: 2 })
  assert.deepEqual(grid(951), { columns: 3, rows: 3 })
})

test('a tie between different shapes of one product follows the set order and the area', () => {
  const range = { min: 3, max: 7 }
  const keep = (g: { columns: number; rows: number }) => 2 % g.columns !== 0 || 3 % g.rows !== 0
  assert.deepEqual(chooseGrid({ width: 250, height: 400 }, range, 448, keep), { columns: 1, rows: 4 })
  assert.deepEqual(chooseGrid({ width: 800, height: 1280 }, range, 448, keep), { columns: 2, rows: 2 })
})

test('no candidate left means the whole picture', () => {
  assert.deepEqual(
    chooseGrid({ width: 9, height: 9 }, { min: 2, max: 6 }, 448, () => false),
    { columns: 1, rows: 1 },
  )
})
