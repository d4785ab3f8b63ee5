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
  const seen = Array.from({ length: 40 }, (_, seed) => {
    const row = thinned({ inputIds, labels: inputIds, pointed }, contents, new Dice(seed, 'thin'), CONTEXT)
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
