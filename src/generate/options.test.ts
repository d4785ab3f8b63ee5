import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InputError } from '../tensor/errors.ts'
import { type GenerationOptions, generationSettings } from './options.ts'

function refused(options: object, code: string, option: string): void {
  assert.throws(
    () => generationSettings(options as GenerationOptions),
    (error: unknown) => {
      assert.ok(error instanceof InputError, String(error))
      assert.equal(error.code, code, error.message)
      assert.equal(error.data.option, option)
      assert.ok(error.message.includes(option), error.message)
      return true
    },
    JSON.stringify(options),
  )
}

test('options that are left out, or undefined, have their defaults', () => {
  const settings = generationSettings({ temperature: undefined })
  assert.deepEqual(
    [settings.maxNewTokens, settings.temperature, settings.beams, settings.n, settings.stop],
    [512, 0, 1, 1, []],
  )
})

test('an unknown option is refused with the known ones', () => {
  refused({ topk: 5 }, 'unknown-option', 'topk')
  refused({ toString: 1 }, 'unknown-option', 'toString')
  assert.throws(() => generationSettings({ x: 1 } as GenerationOptions, ['tiling']), /maxNewTokens.*tiling/)
})

test('a value out of range is refused', () => {
  const wrong: Readonly<Record<keyof GenerationOptions, readonly unknown[]>> = {
    maxNewTokens: [0, 1.5, '8', Number.NaN],
    temperature: [-1, Number.POSITIVE_INFINITY, '1', null],
    topK: [0, 2.5],
    topP: [0, 1.1],
    minP: [-0.1, 1.1],
    repetitionPenalty: [0, -1],
    beams: [0, 1.5],
    lengthPenalty: [Number.NaN, '1'],
    n: [0],
    seed: [-1, 0.5, 2 ** 53],
    stop: ['END', [''], [3]],
    stopIds: [7, [-1], ['a']],
  }
  for (const [option, values] of Object.entries(wrong))
    for (const value of values) refused({ [option]: value }, 'option-value', option)
})

test('an option that would change nothing is refused', () => {
  for (const option of ['topK', 'topP', 'minP', 'seed'])
    refused({ [option]: 1 }, 'option-without-effect', option)
  refused({ seed: 0 }, 'option-without-effect', 'seed')
  refused({ n: 2 }, 'option-without-effect', 'n')
  refused({ lengthPenalty: 2 }, 'option-without-effect', 'lengthPenalty')
  refused({ beams: 2, temperature: 0.5 }, 'option-without-effect', 'temperature')
  refused({ beams: 2, seed: 0 }, 'option-without-effect', 'seed')
  refused({ beams: 2, stop: ['x'] }, 'option-without-effect', 'stop')
  refused({ beams: 2, n: 3 }, 'option-without-effect', 'n')
})

test('options that go together are taken', () => {
  generationSettings({ temperature: 0.7, topK: 5, topP: 0.9, minP: 0.1, seed: 0, n: 4 })
  generationSettings({ beams: 4, n: 2, lengthPenalty: -1, temperature: 0, stopIds: [3] })
  generationSettings({ repetitionPenalty: 1.2, stop: ['\n'] })
})
