import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostTensor } from '../tensor/tensor.ts'
import type { Engine } from './engine.ts'
import { integerForm } from './integer-form.ts'
import { nodeEngine } from './node-engine.ts'

/** An engine whose every product is `value`. */
function engineThatGives(value: number): { engine: Engine; opened: () => number } {
  let opened = 0
  const engine: Engine = {
    ...nodeEngine,
    async open() {
      opened++
      const y = hostTensor('f32', [4, 16], new Float32Array(64).fill(value))
      return { run: async () => ({ y }), dispose: async () => {} }
    },
  }
  return { engine, opened: () => opened }
}

test('an engine whose product overflows is told to widen, another is not, and each is asked once', async () => {
  const cases = [
    { value: 64 * 127, widens: false },
    { value: 31.5, widens: true },
  ]
  for (const { value, widens } of cases) {
    const { engine, opened } = engineThatGives(value)
    for (let i = 0; i < 2; i++)
      assert.deepEqual(await integerForm(engine, 'cpu', 'x64'), { activations: 'u8', widens })
    assert.equal(opened(), 1)
  }
})

test('arm64 takes signed activations, WebAssembly unsigned ones, unasked', async () => {
  const { engine, opened } = engineThatGives(0)
  assert.deepEqual(await integerForm(engine, 'cpu', 'arm64'), { activations: 'i8', widens: false })
  assert.deepEqual(await integerForm(engine, 'wasm', 'arm64'), { activations: 'u8', widens: false })
  assert.equal(opened(), 0)
})

test('the widened product and the plain one of this processor’s engine are both exact', async () => {
  const { widens } = await integerForm(nodeEngine, 'cpu', 'x64')
  const widened: Engine = {
    ...nodeEngine,
    open: (model, weights, options) => nodeEngine.open(model, weights, { ...options, widensIntegers: true }),
  }
  assert.equal((await integerForm(widened, 'cpu', 'x64')).widens, false)
  const plain: Engine = {
    ...nodeEngine,
    open: (model, weights, options) =>
      nodeEngine.open(model, weights, { ...options, widensIntegers: widens }),
  }
  assert.equal((await integerForm(plain, 'cpu', 'x64')).widens, false)
})
