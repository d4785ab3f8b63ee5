import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeImage } from '../../image/decode.ts'
import { openConversations } from '../conversations.ts'
import { blindScore } from './blind.ts'
import { type SyntheticRecord, writeSynthetic } from './dataset.ts'
import { Dice } from './dice.ts'
import { everything } from './everything.ts'
import { type FontSet, fontBook } from './faces.ts'
import type { Composition } from './kind.ts'
import { kindNames, kinds } from './kinds.ts'
import type { Box, Page } from './page.ts'
import { type SyntheticSample, syntheticSample } from './sample.ts'

const SEED = 11

test('training and held-out fonts have no family in common', () => {
  const names = (set: FontSet) => fontBook(set).families.map(({ name }) => name)
  const training = new Set(names('training'))
  assert.ok(training.size >= 40)
  assert.deepEqual(
    names('held-out').filter((name) => training.has(name)),
    [],
  )
})

test('who asks for everything gets the rows of the page from above, each from the left', () => {
  const mark = (text: string, left: number, top: number, right: number, bottom: number) => ({
    text,
    box: [left, top, right, bottom] as const,
  })
  const boxed = [mark('4', 10, 40, 20, 50), mark('2', 30, 40, 40, 50), mark('42', 10, 40, 40, 50)]
  const marks = [mark('3.50', 80, 11, 99, 21), mark('Tea', 10, 10, 40, 20), ...boxed, mark(' ', 0, 60, 9, 70)]
  assert.equal(everything(marks, new Dice(1, ''))?.answer, 'Tea 3.50\n42')
  assert.equal(everything([mark('x'.repeat(401), 0, 0, 9, 9)], new Dice(1, '')), undefined)
  const [asked] = syntheticSample({ kind: 'receipt', seed: SEED, index: 0, everything: true }).questions
  assert.equal(asked!.form, 'everything')
})

for (const kind of kindNames) {
  const compose = (set: FontSet, count: number) =>
    Array.from({ length: count }, (_, index) =>
      kinds[kind](new Dice(SEED, `${kind}/${index}`).fork('page'), fontBook(set)),
    )
  let composed: readonly Composition[] | undefined
  /** Twenty training pages, made once. */
  const pages = () => {
    composed ??= compose('training', 20)
    return composed
  }

  test(`${kind}: the same seed and index give the same picture, questions and boxes`, async () => {
    const [first, second] = [0, 0].map((index) => syntheticSample({ kind, seed: SEED, index, questions: 99 }))
    assert.deepEqual(second!.questions, first!.questions)
    assert.deepEqual(await second!.jpeg(), await first!.jpeg())
    checkBoxes(first!)
  })

  test(`${kind}: another index gives another picture, and boxes lie on ink in both`, () => {
    const other = syntheticSample({ kind, seed: SEED, index: 1, questions: 99 })
    assert.notDeepEqual(
      other.composition.asked.map(({ answer }) => answer),
      pages()[0]!.asked.map(({ answer }) => answer),
    )
    checkBoxes(other)
  })

  test(`${kind}: answers that are read stand on the page where they are said to`, () => {
    for (const [index, { page, asked }] of pages().entries()) {
      for (const { question, answer, evidence, isRead } of asked) {
        assert.notEqual(answer.trim(), '', question)
        assert.equal(answer, answer.trim())
        for (const { box } of evidence)
          assert.ok(isWithin(box, [0, 0, page.width, page.height]), `${index} ${question}: ${box}`)
        if (!isRead) continue
        for (const mark of evidence) assert.ok(page.marks.includes(mark), question)
        const printed = evidence.map(({ text }) => text).join(' ')
        assert.ok(
          printed.includes(answer.replaceAll('\n', ' ')),
          `${index} ${question}: '${answer}' is not in '${printed}'`,
        )
      }
    }
  })

  test(`${kind}: the letters that an answer is read off spell it, or a shape is what it says`, () => {
    let [read, found] = [0, 0]
    for (let index = 0; index < 6; index++) {
      const { questions, readings } = syntheticSample({ kind, seed: SEED, index, questions: 99 })
      for (const [i, glyphs] of readings().entries()) {
        const { answer, isRead } = questions[i]!
        read += Number(isRead)
        if (!glyphs) continue
        if (isRead) assert.equal(glyphs.map(({ letter }) => letter).join(''), answer.replace(/\s/g, ''))
        else for (const { letter } of glyphs) assert.ok(letter.split(' ').includes(answer))
        found += Number(isRead)
      }
    }
    assert.ok(found >= 0.9 * read, `${found} of ${read}`)
  })

  test(`${kind}: only letters of the chosen set are on the page`, () => {
    const held = compose('held-out', 6)
    for (const { page } of pages()) assert.deepEqual(strangers(page, 'training'), [])
    for (const { page } of held) assert.deepEqual(strangers(page, 'held-out'), [])
  })

  test(`${kind}: who sees no picture reads almost nothing right`, () => {
    const score = blindScore(
      pages()
        .flatMap(({ asked }) => asked)
        .filter(({ isRead }) => isRead),
    )
    assert.ok(score < 0.1, `${score}`)
  })
}

test('the whole text is asked about every small picture, its lines as they are', () => {
  for (const kind of ['words', 'lines'] as const)
    for (let index = 0; index < 8; index++) {
      const { questions, composition } = syntheticSample({ kind, seed: SEED, index, questions: 1 })
      assert.deepEqual(
        questions.map(({ form }) => form),
        [`${kind}.text`],
      )
      const { text } = composition.page.marks.at(-1)!
      assert.ok(questions[0]!.answer.split('\n').at(-1)!.endsWith(text))
    }
})

test('the blind answerer gives the most frequent answer of the other half of a form', () => {
  const ask = (form: string, ...answers: string[]) => answers.map((answer) => ({ form, answer }))
  assert.equal(blindScore(ask('f', 'a', 'b', 'c', 'd')), 0)
  assert.equal(blindScore(ask('f', 'a', 'a', 'a', 'b', 'a', 'a')), 5 / 6)
  // Both halves know both answers equally well.
  assert.equal(blindScore(ask('f', 'a', 'a', 'b', 'b')), 1 / 2)
  assert.equal(blindScore([...ask('f', 'a', 'a'), ...ask('g', 'b')]), 2 / 3)
  assert.equal(blindScore([]), 0)
})

test('a data set is pictures and lines in the conversation format', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'synthetic-'))
  try {
    await writeSynthetic({ kinds: kindNames, count: 2, seed: SEED, folder, questions: 2 })
    const lines = (await readFile(join(folder, 'data.jsonl'), 'utf8')).trim().split('\n')
    assert.equal(lines.length, 2)
    for (const line of lines) {
      const record = JSON.parse(line) as SyntheticRecord
      const { image } = await decodeImage(join(folder, record.image))
      assert.deepEqual([image.width, image.height], [record.width, record.height])
      assert.deepEqual(
        record.conversations.map(({ from }) => from),
        record.answers.flatMap(() => ['human', 'gpt']),
      )
      assert.match(record.conversations[0]!.value, /^<image>\n\S/)
      assert.equal(record.conversations[1]!.value, record.answers[0])
      assert.equal(record.boxes.length, record.answers.length)
    }
    const dataset = await openConversations(join(folder, 'data.jsonl'))
    assert.equal(dataset.length, 2)
    assert.equal((await dataset.read(1)).images.length, 1)
    await dataset.close()
    const again = writeSynthetic({ kinds: kindNames, count: 1, seed: SEED, folder })
    await assert.rejects(again, { code: 'out-exists' })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('work that is stopped keeps the pictures that are done', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'synthetic-'))
  const abort = new AbortController()
  const onRecord = () => abort.abort()
  try {
    const work = writeSynthetic({
      kinds: kindNames,
      count: 5,
      seed: SEED,
      folder,
      signal: abort.signal,
      onRecord,
    })
    await assert.rejects(work, { code: 'aborted', data: { done: 1 } })
    assert.equal((await readFile(join(folder, 'data.jsonl'), 'utf8')).split('\n').length, 2)
  } finally {
    await rm(folder, { recursive: true })
  }
})

/** The picture is opaque; every box lies in it, and something stands out in the box. */
function checkBoxes({ kind, questions, picture, width, height }: SyntheticSample): void {
  assert.ok(questions.length > 0)
  const pixels = picture().pixels.data
  assert.ok(pixels.every((value, i) => i % 4 !== 3 || value === 255))
  for (const { question, boxes } of questions)
    for (const box of boxes) {
      const [left, top, right, bottom] = box
      const where = `${kind}, ${question}: ${box} in ${width}×${height}`
      assert.ok(left >= 0 && top >= 0 && right <= width && bottom <= height, where)
      assert.ok(right - left >= 3 && bottom - top >= 3, where)
      assert.ok(range(pixels, width, box) > 20, `nothing stands out: ${where}`)
    }
}

/** The difference between the brightest and the darkest green value in a box. */
function range(pixels: Uint8ClampedArray, width: number, [left, top, right, bottom]: Box): number {
  let least = 255
  let most = 0
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) {
      const value = pixels[4 * (y * width + x) + 1]!
      least = Math.min(least, value)
      most = Math.max(most, value)
    }
  return most - least
}

function isWithin(inner: Box, outer: Box): boolean {
  return inner[0] >= outer[0] && inner[1] >= outer[1] && inner[2] <= outer[2] && inner[3] <= outer[3]
}

function strangers(page: Page, set: FontSet): string[] {
  return [...page.families].filter((family) => family.set !== set).map(({ name }) => name)
}
