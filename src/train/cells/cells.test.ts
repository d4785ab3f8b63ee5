import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { Dice } from '../../data/synthetic/dice.ts'
import { chooseEngine } from '../../runtime/default-engine.ts'
import { planTiles } from '../../tiling/tiling.ts'
import { parseRecipe } from '../recipe.ts'
import { train } from '../trainer.ts'
import { alphabet } from './alphabet.ts'
import { CellCode, NORM } from './code.ts'
import { CONTENTS, cellContents, EMPTY, ILLEGIBLE } from './contents.ts'
import { doubtedCodes } from './doubt.ts'
import { otherPlaces } from './other-places.ts'
import { NOWHERE, PLACES } from './places.ts'
import { seenCells } from './seen.ts'

/** A picture of one tile of 8 × 8 visual tokens, each 28 pixels wide. */
const size = { width: 224, height: 224 }
const plan = planTiles(size, { strategy: 'single', tileSize: 224 })
const glyph = (letter: string, x: number, y: number, height = 12) => ({ letter, x, y, height })
const contentsOf = (...glyphs: ReturnType<typeof glyph>[][]) =>
  cellContents({ ...size, glyphs, readings: [] }, plan, 8).contents
const code = new CellCode(256, 8)
const numberOf = (letter: string) => 2 + alphabet.indexOf(letter)

test('each letter stands in the token, row and column where its middle is', () => {
  const contents = contentsOf([glyph('a', 28 * 3 + 1, 28 * 2 + 20), glyph('b', 28 * 3 + 27, 28 * 2 + 20)])
  const token = (2 * 8 + 3) * PLACES
  const expected = [EMPTY, EMPTY, EMPTY, EMPTY, numberOf('a'), EMPTY, EMPTY, numberOf('b')]
  assert.deepEqual([...contents.subarray(token, token + PLACES)], expected)
  assert.equal(contents.filter((content) => content !== EMPTY).length, 2)
})

test('up to four letters of a line keep their order in a row, wherever they stand', () => {
  const middles = fc.uniqueArray(fc.integer({ min: 0, max: 27 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(middles, (xs) => {
      const placed = xs.toSorted((a, b) => a - b).map((x, i) => glyph('abcd'[i]!, x, 7))
      const read = [...contentsOf(placed)].filter((content) => content !== EMPTY)
      assert.deepEqual(
        read,
        placed.map(({ letter }) => numberOf(letter)),
      )
    }),
  )
})

test('of a letter half as tall as a token its half is told, of one as tall the token alone', () => {
  for (const [x, y] of [
    [1, 1],
    [27, 27],
  ] as const) {
    const contents = contentsOf([glyph('a', 28 + x, 28 + y, 30)])
    const token = (8 + 1) * PLACES
    assert.deepEqual([...contents.subarray(token, token + 2)], [numberOf('a'), EMPTY])
  }
  const token = [...contentsOf([glyph('l', 20, 20, 15), glyph('i', 9, 20, 15)]).subarray(0, PLACES)]
  assert.deepEqual(token, [EMPTY, EMPTY, EMPTY, EMPTY, numberOf('i'), EMPTY, numberOf('l'), EMPTY])
})

test('a shape fills two places, with its shade and its form', () => {
  const token = (large: string, height: number) => [
    ...contentsOf([glyph(`${large}red ring`, 27, 27, height)]).subarray(0, PLACES),
  ]
  const [ring, none] = [numberOf('ring'), [EMPTY, EMPTY]]
  assert.deepEqual(token('', 20), [...none, ...none, ...none, numberOf('red'), ring])
  assert.deepEqual(token('large ', 60), [numberOf('large red'), ring, ...none, ...none, ...none])
})

test('a letter near the border of its place may be seen in the place behind it, where that is free', () => {
  const othersOf = (...glyphs: ReturnType<typeof glyph>[]) => {
    const layout = { ...size, glyphs: [glyphs], readings: [] }
    const others = otherPlaces(layout, plan, 8, cellContents(layout, plan, 8).contents)
    return [...others].flatMap((other, place) => (other === NOWHERE ? [] : [[place, other]]))
  }
  const token = (2 * 8 + 3) * PLACES
  const [x, y] = [28 * 3, 28 * 2]
  assert.deepEqual(othersOf(glyph('a', x + 10, y + 7)), [])
  assert.deepEqual(othersOf(glyph('a', x + 13, y + 7)), [[token + 1, token + 2]])
  assert.deepEqual(othersOf(glyph('a', x + 13, y + 7), glyph('b', x + 17, y + 7)), [])
  assert.deepEqual(othersOf(glyph('a', x + 10, y + 1)), [[token + 1, token - 8 * PLACES + 5]])
  assert.deepEqual(othersOf(glyph('a', x + 10, 1)), [])
  const large = [token, token + 8 * PLACES]
  assert.deepEqual(othersOf(glyph('a', x + 10, y + 23, 60)), [large])
  assert.deepEqual(othersOf(glyph('red ring', x + 10, y + 23, 60)), [large, large.map((place) => place + 1)])
})

test('what is read off tiles too coarse for it is not asked', () => {
  const [large, small] = [glyph('a', 100, 100), glyph('b', 20, 20, 3)]
  const turn = (question: string, answer: string) =>
    [
      { from: 'human', value: question },
      { from: 'gpt', value: answer },
    ] as const
  const conversations = [...turn('Small?', 'b'), ...turn('Large?', 'a'), ...turn('How many?', '2')]
  const layout = { ...size, glyphs: [[large], [small]], readings: [[small], [large], undefined] }
  const seen = seenCells(layout, plan, 8, conversations)
  assert.deepEqual(seen.conversations, conversations.slice(2))
  assert.deepEqual(seen.read, [[(3 * 8 + 3) * PLACES + 6], undefined])
  const none = seenCells({ ...layout, readings: [[small]] }, plan, 8, turn('Small?', 'b'))
  assert.deepEqual(none.read, [[NOWHERE]])
})

test('small letters, five in a row, two lines in a row and unknown signs are illegible', () => {
  const kinds = (...glyphs: ReturnType<typeof glyph>[][]) => new Set(contentsOf(...glyphs))
  const illegible = new Set([EMPTY, ILLEGIBLE])
  assert.deepEqual(kinds([glyph('a', 5, 7, 4)]), illegible)
  assert.deepEqual(kinds([...'abcde'].map((letter, i) => glyph(letter, 2 + 5 * i, 7))), illegible)
  assert.deepEqual(kinds([glyph('a', 5, 3)], [glyph('b', 9, 11)]), illegible)
  assert.deepEqual(kinds([glyph('語', 5, 7)]), illegible)
})

test('a letter that a tile shows tall enough, but squeezed too narrow, is illegible', () => {
  const wide = { width: 896, height: 224 }
  const squeezed = planTiles(wide, { strategy: 'single', tileSize: 224 })
  const seen = (height: number) =>
    cellContents({ ...wide, glyphs: [[glyph('a', 20, 20, height)]], readings: [] }, squeezed, 8).contents
  assert.ok(seen(26).includes(ILLEGIBLE))
  assert.ok(seen(30).includes(numberOf('a')))
})

test('on a canvas of whole tiles letters stand where the canvas shows them', () => {
  const small = { width: 24, height: 24 }
  const kept = planTiles(small, { strategy: 'dynamic', tileSize: 224, keepsSize: true })
  const { contents } = cellContents({ ...small, glyphs: [[glyph('a', 13, 13)]], readings: [] }, kept, 8)
  assert.deepEqual(
    [...contents.entries()].filter(([, content]) => content !== EMPTY),
    [[(4 * 8 + 4) * PLACES, numberOf('a')]],
  )
})

test('what lies outside the picture is nowhere', () => {
  assert.ok(
    contentsOf([glyph('a', -3, 5), glyph('b', 224, 5), glyph('c', 5, 230)]).every((it) => it === EMPTY),
  )
})

test('a token’s code tells its contents apart from all others, and where it is', () => {
  const contents = new Uint16Array(64 * PLACES).map((_, i) => (i * 7) % CONTENTS)
  const starts = Uint8Array.from(contents, (_, i) => i % 2)
  const coded = code.of({ contents, starts })
  for (const [place, content] of contents.entries()) {
    const distances = code.distances(coded, place)
    const [first, second] = distances.toSorted((a, b) => a - b)
    assert.ok(first! < 1e-6 && second! > NORM ** 2 / 2)
    assert.equal(distances.indexOf(first!), content)
    assert.equal(coded[code.channelsOf(place).wordStart]! > 0, starts[place] === 1)
  }
  const positions = Array.from({ length: 64 }, (_, token) =>
    coded.subarray(token * 256 + PLACES * code.placeWidth, token * 256 + code.startsStart).join(),
  )
  assert.equal(new Set(positions).size, 64)
})

test('in doubt most letters stay nearest to their own codes, some do not, and nothing appears far from letters', () => {
  const contents = new Uint16Array(64 * PLACES).map((_, i) => (i < 256 ? 2 + (i % 90) : EMPTY))
  const starts = new Uint8Array(contents.length)
  const codes = Array.from({ length: 8 }, (_, i) =>
    doubtedCodes(code, { contents, starts }, new Dice(1, `${i}`)),
  )
  const seen = codes.flatMap((coded) =>
    [...contents].map((content, place) => {
      const distances = code.distances(coded, place)
      return { place, content, nearest: distances.indexOf(Math.min(...distances)) }
    }),
  )
  const letters = seen.filter(({ content }) => content !== EMPTY)
  const right = letters.filter(({ content, nearest }) => content === nearest).length / letters.length
  assert.ok(right > 0.7 && right < 0.99, `${right}`)
  const far = seen.filter(({ place }) => place > 256 + PLACES)
  assert.ok(far.filter(({ nearest }) => nearest !== EMPTY).length < far.length / 100)
})

test('an encoder learns cells from pixels, a decoder to answer from cells, and both at once from pixels', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'panoptes-cells-'))
  const model = join(folder, 'untrained')
  const script = resolve(import.meta.dirname, '../../../scripts/untrained-model.ts')
  await promisify(execFile)(process.execPath, [script, '--out', model])
  const shared =
    'steps: 10\n    batchSize: 2\n    learningRate: 1e-3\n    schedule: constant\n    saveEvery: 50'
  const recipe = parseRecipe(
    `
model: ${model}
output: ${join(folder, 'run')}
stages:
  - name: eye
    ${shared}
    train: [{ match: ['vision_model.*', 'mlp1.*'] }]
    data: [{ synthetic: { kinds: [letter-chart], count: 2 } }]
    tiling: { strategy: single }
    labels: cells
  - name: both
    ${shared}
    train: [{ match: '*' }]
    data: [{ synthetic: { kinds: [words], count: 2 } }]
    tiling: { strategy: single }
    labels: conversation-and-cells
  - name: mind
    ${shared}
    train: [{ match: 'language_model.*' }]
    data: [{ synthetic: { kinds: [words], count: 2 } }]
    tiling: { strategy: single }
    pictures: cells
`,
    'recipe.yaml',
  )
  try {
    const engine = await chooseEngine()
    const { log } = await train(recipe, { compile: { engine, device: 'cpu', threads: 1 } })
    const steps = (await readFile(log, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    for (const stage of ['eye', 'both', 'mind']) {
      const losses: number[] = steps.filter((step) => step.stage === stage).map(({ loss }) => loss)
      assert.equal(losses.length, 10)
      assert.ok(losses.at(-1)! < 0.9 * losses[0]!, `${stage}: ${losses}`)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a decoder that is too narrow for codes is refused', () => {
  assert.throws(() => new CellCode(64, 8), { code: 'cells-too-narrow', message: /has 64/ })
})

test('a stage that learns and shows cells, and cells of stored pictures, are refused', () => {
  const stage =
    '{ name: a, steps: 1, learningRate: 1, train: [{ match: x }], labels: cells, pictures: cells, data: [{ path: x }] }'
  assert.throws(() => parseRecipe(`model: a\noutput: b\nstages: [${stage}]`, 'r.yaml'), {
    code: 'recipe-invalid',
    message: /cells are either learned or shown/,
  })
})
