import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { openConversations } from './conversations.ts'
import { type Draw, drawOrder } from './order.ts'

const folder = await mkdtemp(join(tmpdir(), 'panoptes-data-'))
after(() => rm(folder, { recursive: true }))

const turns = [
  { from: 'human', value: 'What?' },
  { from: 'gpt', value: 'Ünd “that”.' },
]

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(folder, name), content)
  return join(folder, name)
}

test('lines are read in any order, blank ones left aside, with or without a last line feed', async () => {
  const lines = [
    { image: 'a.jpg', conversations: turns },
    { conversations: turns, id: 3 },
  ]
  const text = `\n${JSON.stringify(lines[0])}\r\n  \n${JSON.stringify(lines[1])}`
  for (const content of [text, `${text}\n`]) {
    const data = await openConversations(await file('lines.jsonl', content))
    assert.equal(data.length, 2)
    assert.deepEqual(await data.read(1), { images: [], conversations: turns })
    assert.deepEqual(await data.read(0), { images: ['a.jpg'], conversations: turns })
    await data.close()
  }
})

test('an array in a .json file is the same', async () => {
  const data = await openConversations(
    await file('all.json', JSON.stringify([{ image: ['a.jpg', 'b.jpg'], conversations: turns }])),
  )
  assert.deepEqual((await data.read(0)).images, ['a.jpg', 'b.jpg'])
})

test('what is wrong is told with file and line', async () => {
  const data = await openConversations(await file('bad.jsonl', '\n{"conversations": []}\n{no}\n'))
  await assert.rejects(data.read(0), {
    code: 'record-invalid',
    message: /bad\.jsonl, line 2 is no conversation/,
  })
  await assert.rejects(data.read(1), { code: 'dataset-invalid', message: /bad\.jsonl, line 3 is no JSON/ })
  await data.close()
  await assert.rejects(openConversations(join(folder, 'none.jsonl')), { code: 'dataset-missing' })
  await assert.rejects(openConversations(await file('empty.jsonl', ' \n')), { code: 'dataset-empty' })
  await assert.rejects(openConversations(await file('object.json', '{}')), { code: 'dataset-invalid' })
})

function draws(count: number, ...order: Parameters<typeof drawOrder>): Draw[] {
  const endless = drawOrder(...order)
  return Array.from({ length: count }, () => endless.next().value)
}

test('every time round each record is drawn once, and a seed repeats its order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(1000), (length, seed) => {
      const order = draws(3 * length, [{ length }], seed)
      for (let round = 0; round < 3; round++) {
        const indices = order.slice(round * length, (round + 1) * length).map(({ index }) => index)
        assert.deepEqual(
          indices.sort((a, b) => a - b),
          [...Array(length).keys()],
        )
      }
      assert.deepEqual(
        draws(3 * length, [{ length }], seed),
        order.sort(() => 0),
      )
    }),
  )
})

test('sources are drawn in proportion to their weights at every moment', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }), (weights) => {
      const total = weights.reduce((a, b) => a + b)
      const sources = weights.map((weight) => ({ length: 7, weight }))
      const counts = weights.map(() => 0)
      for (const [n, { source }] of draws(3 * total, sources, 1).entries()) {
        counts[source]!++
        for (const [i, weight] of weights.entries())
          assert.ok(Math.abs(counts[i]! - ((n + 1) * weight) / total) <= weights.length)
      }
    }),
  )
})
