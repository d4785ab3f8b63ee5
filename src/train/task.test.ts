import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelFiles } from '../systems/model-files.ts'
import { openTask } from './task.ts'

test('cells of a system that does not learn them are refused', () => {
  const files = { config: { architectures: ['LlavaLlamaForCausalLM'] } } as unknown as ModelFiles
  for (const asked of [{ labels: 'cells' }, { pictures: 'cells' }] as const)
    assert.throws(() => openTask(files, { maxLength: 64, ...asked }), {
      code: 'option-without-effect',
      message: new RegExp(`Leave ${Object.keys(asked)[0]} out`),
    })
})
