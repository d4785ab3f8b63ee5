import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Dice } from '../../data/synthetic/dice.ts'
import { ILLEGIBLE } from './contents.ts'
import { PLACES } from './places.ts'
import { thinned } from './thin.ts'

const CONTEXT = 9

test('a thinned sample keeps what can be read where it stood, and looks at it', () => {
  // Fifty visual tokens, every fifth with a letter, between two words of text; the last letter is looked at.
  const count = 50
  const contents = new Uint16Array(count * PLACES)
  for (let token = 0; token < count; token++) contents[token * PLACES + 3] = token % 5 === 0 ? 40 : ILLEGIBLE
  const inputIds = [1, ...Array<number>(count).fill(CONTEXT), 2]
  const pointed = inputIds.map((id) => (id === 2 ? 46 * PLACES + 3 : -1))
  const named = inputIds.map((id) => (id === 2 ? 41 : -1))
  const seen = Array.from({ length: 40 }, (_, seed) => {
    const row = thinned(
      { inputIds, labels: inputIds, pointed, named },
      contents,
      count,
      new Dice(seed, 'thin'),
      CONTEXT,
    )
    const { positions, shownTokens } = row
    assert.deepEqual(
      row.inputIds,
      positions.map((place) => inputIds[place]),
    )
    assert.deepEqual(positions, [0, ...shownTokens.map((token) => token + 1), count + 1])
    assert.deepEqual(
      shownTokens.filter((token) => token % 5 === 0),
      [0, 5, 10, 15, 20, 25, 30, 35, 40, 45],
    )
    assert.equal(positions[Math.floor(row.pointed.at(-1)! / PLACES)], 46)
    assert.equal(row.pointed.at(-1)! % PLACES, 3)
    assert.equal(positions[row.named.at(-1)!], 41)
    return shownTokens.length
  })
  assert.ok(
    seen.some((tokens) => tokens === count),
    'some samples stay whole',
  )
  assert.ok(
    seen.some((tokens) => tokens < count / 2),
    'others lose most of what cannot be read',
  )
})

test('a tile in which nothing can be read stays as a whole or goes as a whole', () => {
  const contents = new Uint16Array(3 * 10 * PLACES)
  contents[10 * PLACES] = 40
  const inputIds = Array<number>(30).fill(CONTEXT)
  const row = { inputIds, labels: inputIds, pointed: inputIds.map(() => -1), named: inputIds.map(() => -1) }
  for (let seed = 0; seed < 40; seed++) {
    const { shownTokens } = thinned(row, contents, 10, new Dice(seed, 'thin'), CONTEXT)
    assert.ok(shownTokens.includes(10))
    for (const tile of [0, 2])
      assert.ok([0, 10].includes(shownTokens.filter((token) => Math.floor(token / 10) === tile).length))
  }
})
