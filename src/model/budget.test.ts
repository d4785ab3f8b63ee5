import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { filledImage } from '../image/rgb-image.ts'
import { parseBudget } from './budget.ts'
import { forecasts } from './forecast.ts'
import { Planner } from './plan.ts'

const fixture = resolve(import.meta.dirname, '../../tests/fixtures/mini-monkey')
const planner = await Planner.open(fixture)
const conversation = {
  question: 'What is it?',
  pictures: [{ name: 'a page', image: filledImage(1600, 1200, [255, 255, 255]) }],
}
const fit = (text: string) => planner.fit(conversation, parseBudget(text), 'int8')

test('a budget is seconds, minutes or tokens, and nothing else', () => {
  assert.deepEqual(parseBudget('10s'), { kind: 'seconds', most: 10 })
  assert.deepEqual(parseBudget('1.5 min'), { kind: 'seconds', most: 90 })
  assert.deepEqual(parseBudget('4000-tokens'), { kind: 'tokens', most: 4000 })
  for (const text of ['', '10', '0s', '-3s', 'ten seconds', '4k-tokens'])
    assert.throws(() => parseBudget(text), { code: 'budget' })
})

test('a generous budget changes nothing', async () => {
  const { tiling, compression, prepared } = await fit('1000-tokens')
  assert.deepEqual([tiling, compression, prepared.tileCount], [planner.system.tiling, undefined, 19])
})

test('compression comes before fewer tiles, then the finest grid that fits', async () => {
  const whole = planner.system.prepare(conversation).layout.promptLength
  const compressed = await fit(`${whole - 1}-tokens`)
  assert.deepEqual([compressed.compression?.mode, compressed.prepared.tileCount], ['official', 19])
  // Less than half of twelve detailed tiles' 48 tokens can be saved without giving up a tile.
  const fewer = await fit(`${whole - 40}-tokens`)
  assert.ok(fewer.prepared.tileCount < 19)
  assert.ok(planner.system.work!(fewer.prepared).decoderTokens <= whole - 40)
})

test('what cannot fit tells the least', async () => {
  await assert.rejects(fit('20-tokens'), {
    code: 'budget-too-small',
    message: /the least that mini-monkey takes is \d+/,
  })
})

test('forecasts are work over speed, and memory grows with the prompt', () => {
  const speed = { vision: 10, prefill: { linear: 2, attention: 4 }, step: { weights: 8, attention: 16 } }
  const speeds = { fp32: speed, int8: speed, int4: speed }
  const work = {
    encode: { linear: 30, attention: 10, weights: 0 },
    compress: { linear: 2, attention: 0, weights: 0 },
    prefill: { linear: 20, attention: 8, weights: 0 },
    step: { linear: 0, attention: 32, weights: 64 },
    ...{ decoderTokens: 100, cacheValues: 6 },
  }
  const none = { name: 'none', keys: () => [], has: () => false, entry: () => assert.fail() }
  const [first] = forecasts(work, none, speeds)
  assert.deepEqual(first!.seconds, { encode: 4, compress: 1, prefill: 12, firstToken: 17, token: 10 })
  const [longer] = forecasts({ ...work, decoderTokens: 200 }, none, speeds)
  assert.ok(longer!.memoryBytes > first!.memoryBytes)
})

test('planning reads no weight and runs nothing', async () => {
  await assert.rejects(planner.system.start(planner.system.prepare(conversation)), { code: 'engine-idle' })
})
