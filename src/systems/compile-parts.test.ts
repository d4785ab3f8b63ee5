import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeEngine } from '../runtime/node-engine.ts'
import { compileParts } from './compile-parts.ts'

const part = (log: string[], name: string) => async () => {
  log.push(`${name} begins`)
  await new Promise((resolve) => setImmediate(resolve))
  log.push(`${name} ends`)
  return { name, dispose: async () => void log.push(`${name} disposed`) }
}
const broken = async (): Promise<never> => {
  throw new Error('broken')
}

test('parts are compiled side by side on the CPU, one after the other elsewhere', async () => {
  const orders = { cpu: 'a begins, b begins, a ends, b ends', wasm: 'a begins, a ends, b begins, b ends' }
  for (const device of ['cpu', 'wasm'] as const) {
    const log: string[] = []
    const parts = await compileParts({ engine: nodeEngine, device }, part(log, 'a'), part(log, 'b'))
    assert.deepEqual(
      parts.map(({ name }) => name),
      ['a', 'b'],
    )
    assert.equal(log.join(', '), orders[device])
  }
})

test('when one part fails the other is disposed', async () => {
  for (const device of ['cpu', 'wasm'] as const) {
    const log: string[] = []
    const options = { engine: nodeEngine, device }
    await assert.rejects(compileParts(options, part(log, 'a'), broken), { message: 'broken' })
    assert.deepEqual(log, ['a begins', 'a ends', 'a disposed'])
    await assert.rejects(compileParts(options, broken, part(log, 'b')), { message: 'broken' })
    assert.deepEqual(log.slice(3), device === 'cpu' ? ['b begins', 'b ends', 'b disposed'] : [])
  }
})
