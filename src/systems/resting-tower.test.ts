import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { readJsonFile } from '../checkpoint/config.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { openCheckpoint } from '../checkpoint/open.ts'
import { decodeImage } from '../image/decode.ts'
import { chooseEngine } from '../runtime/default-engine.ts'
import type { Engine } from '../runtime/engine.ts'
import { precisionsOf } from '../runtime/precision.ts'
import { memoryStore } from '../runtime/quantised-weights.ts'
import { openSystem } from './registry.ts'
import type { DecodingState, System } from './system.ts'

const root = resolve(import.meta.dirname, '../..')
const source = await folderSource(resolve(root, 'tests/fixtures/mini-monkey'))
const config = await readJsonFile(source, 'config.json')
const files = { source, config, checkpoint: await openCheckpoint(source) }
const store = memoryStore()
const pictures = await Promise.all(
  ['receipt.jpg', 'street-sign.jpg'].map(async (name) => ({
    name,
    image: (await decodeImage(resolve(root, 'examples', name))).image,
  })),
)
const [receipt, sign] = pictures as [(typeof pictures)[0], (typeof pictures)[0]]

/** The system in int4, and how often its vision tower was opened and is open. */
async function opened(keepsBothForms: boolean) {
  const native = await chooseEngine()
  const counts = { open: 0, opened: 0 }
  const engine: Engine = {
    ...native,
    async open(model, ...rest) {
      const session = await native.open(model, ...rest)
      if (!Buffer.from(model).includes('pixels')) return session
      counts.open++
      counts.opened++
      const dispose = async (): Promise<void> => {
        counts.open--
        await session.dispose()
      }
      return { run: (...args) => session.run(...args), dispose }
    },
  }
  const precision = precisionsOf('int4')
  const compile = { engine, device: 'cpu', precision, quantised: store, keepsBothForms } as const
  return { system: await openSystem(files, { compile }), counts }
}

function start(system: System, picture: typeof receipt): Promise<DecodingState> {
  return system.start(system.prepare({ pictures: [picture], question: 'What is it?' }))
}

test('in int4 the tower is open only while pictures are encoded', async () => {
  const { system, counts } = await opened(false)
  assert.deepEqual(counts, { open: 1, opened: 1 })
  const first = await start(system, receipt)
  assert.deepEqual(counts, { open: 0, opened: 1 })
  first.dispose()
  // Its visual tokens are there, so the tower stays closed.
  const again = await start(system, receipt)
  assert.deepEqual(counts, { open: 0, opened: 1 })
  again.dispose()
  // The last of two that are encoded at once closes it.
  const both = await Promise.all([start(system, sign), start(system, receipt)])
  assert.deepEqual(counts, { open: 0, opened: 2 })
  for (const state of both) state.dispose()
  await system.dispose()
})

test('with both forms kept the tower stays open, and sees the same', async () => {
  const [sparing, lavish] = [await opened(false), await opened(true)]
  const states = [await start(sparing.system, receipt), await start(lavish.system, receipt)]
  assert.deepEqual(lavish.counts, { open: 1, opened: 1 })
  assert.deepEqual(states[0]!.logits, states[1]!.logits)
  for (const state of states) state.dispose()
  await Promise.all([sparing.system.dispose(), lavish.system.dispose()])
})
