import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CopyTurns, ownTurn, TimeTurns } from './turns.ts'

test('callers that ask together are served one a turn, and others run between them', async () => {
  let turns = 0
  let isDone = false
  const count = (): void => {
    turns++
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  const [a, b] = await Promise.all([ownTurn().then(() => turns), ownTurn().then(() => turns)])
  isDone = true
  assert.ok(a < b, `${a}, ${b}`)
})

test('a copy gives a turn when 8 MiB are moved, and none before', async () => {
  let hasTurned = false
  setImmediate(() => {
    hasTurned = true
  })
  const turns = new CopyTurns()
  for (let i = 0; i < 7; i++) await turns.moved(2 ** 20)
  assert.equal(hasTurned, false)
  await turns.moved(2 ** 20)
  assert.equal(hasTurned, true)
})

test('a long computation that gives the turns it is due leaves timers running', async () => {
  const turns = new TimeTurns()
  const computeUntilDue = (): void => {
    while (!turns.isDue);
  }
  let ticks = 0
  const timer = setInterval(() => ticks++, 0)
  for (let i = 0; i < 3; i++) {
    computeUntilDue()
    await turns.give()
  }
  clearInterval(timer)
  assert.ok(ticks > 0)
})
