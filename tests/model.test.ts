import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { type Answer, load, type NodeModel } from '../src/node.ts'

const root = resolve(import.meta.dirname, '..')
const fixture = join(root, 'tests/fixtures/mini-monkey')
const receipt = join(root, 'examples/receipt.jpg')
const sign = join(root, 'examples/street-sign.jpg')
const short = { maxNewTokens: 8 }

const model = await load(fixture)
after(() => model.dispose())

/** A model that has answered nothing yet. */
async function fresh<T>(use: (model: NodeModel) => Promise<T>): Promise<T> {
  const other = await load(fixture)
  try {
    return await use(other)
  } finally {
    await other.dispose()
  }
}

const idsOf = (answer: Answer): readonly number[] => answer.answers[0]!.ids

test('the pieces of a stream are the text of its answer', async () => {
  const stream = model.stream('What is it?', { images: [receipt], ...short })
  let text = ''
  for await (const piece of stream) text += piece
  assert.equal((await stream.answer()).text, text)
})

test('a path, bytes and decoded pixels of one picture give one answer', async () => {
  const [byPath, byBytes] = await Promise.all([
    model.ask('What?', { images: [receipt], ...short }),
    model.ask('What?', { images: [await readFile(receipt)], ...short }),
  ])
  assert.deepEqual(idsOf(byPath), idsOf(byBytes))
  assert.equal(byPath.pictures[0]!.name, receipt)
  assert.equal(byBytes.pictures[0]!.name, 'picture 1')
})

test('a second question reads only what is new, and answers as a fresh model does', async () => {
  const ask = (model: NodeModel, question: string) => model.ask(question, { images: [receipt], ...short })
  const first = await ask(model, 'How much is the coffee?')
  const second = await ask(model, 'How much is it in all?')
  assert.ok(second.tokens.reused > first.tokens.visual)
  assert.deepEqual(idsOf(second), idsOf(await fresh((other) => ask(other, 'How much is it in all?'))))
})

test('every turn of a chat answers as a fresh model that is given the history', async () => {
  const chat = model.chat(short)
  await chat.ask('What is it?', { images: [receipt] })
  const second = await chat.ask('And this?', { images: [sign] })
  const third = await chat.ask('Which is older?')
  assert.ok(third.tokens.reused >= second.tokens.prompt)
  const history = chat.turns.slice(0, 2)
  const again = await fresh((other) =>
    other.ask('Which is older?', { images: [receipt, sign], history, ...short }),
  )
  assert.deepEqual(idsOf(third), idsOf(again))
  assert.equal(again.tokens.reused, 0)
})

test('a compressed prompt shares what it keeps with the next one', async () => {
  const compression = { mode: 'official' } as const
  const ask = (model: NodeModel, question: string) =>
    model.ask(question, { images: [receipt], compression, ...short })
  await ask(model, 'What is the tip?')
  const second = await ask(model, 'What is the address?')
  const again = await fresh((other) => ask(other, 'What is the address?'))
  assert.deepEqual(second.layout.keptPositions, again.layout.keptPositions)
  assert.deepEqual(idsOf(second), idsOf(again))
})

test('a question that is stopped while tiles are encoded goes on where it was', async () => {
  await fresh(async (other) => {
    const controller = new AbortController()
    const stopAtTile5 = (event: { phase: string; done?: number }): void => {
      if (event.phase === 'encoding' && event.done === 5) controller.abort()
    }
    const stopped = other.ask('What?', { images: [receipt], signal: controller.signal, onEvent: stopAtTile5 })
    await assert.rejects(stopped, { code: 'aborted' })
    const encoded: number[] = []
    const answer = await other.ask('What?', {
      images: [receipt],
      ...short,
      onEvent: (event) => event.phase === 'encoding' && encoded.push(event.done),
    })
    assert.deepEqual(encoded, [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18])
    assert.deepEqual(idsOf(answer), idsOf(await model.ask('What?', { images: [receipt], ...short })))
  })
})

test('visual tokens on disk serve another process; a broken file is made anew', async () => {
  const visualCacheDir = await mkdtemp(join(tmpdir(), 'panoptes-visual-'))
  after(() => rm(visualCacheDir, { recursive: true }))
  const ask = async () => {
    const model = await load(fixture, { visualCacheDir })
    try {
      return await model.ask('What?', { images: [receipt], ...short })
    } finally {
      await model.dispose()
    }
  }
  const first = await ask()
  const [folder] = await readdir(visualCacheDir)
  const files = await readdir(join(visualCacheDir, folder!))
  assert.equal(files.length, 19)
  assert.deepEqual(idsOf(await ask()), idsOf(first))
  await writeFile(join(visualCacheDir, folder!, files[0]!), 'rubbish')
  assert.deepEqual(idsOf(await ask()), idsOf(first))
})

test('unknown options and options without effect are named before anything is computed', async () => {
  const unknown = { images: [receipt], maxTokens: 3 } as object
  await assert.rejects(model.ask('What?', unknown), { code: 'unknown-option', message: /'maxTokens'/ })
  await assert.rejects(model.ask('What?', { topK: 3 }), { code: 'option-without-effect' })
  await assert.rejects(load(fixture, { thread: 2 } as object), { code: 'unknown-option' })
  await assert.rejects(model.ask(' ', { images: [receipt] }), { code: 'question-empty' })
})
