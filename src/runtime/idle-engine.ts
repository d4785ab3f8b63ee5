import { EngineError } from '../tensor/errors.ts'
import type { Engine } from './engine.ts'

/** Opens everything at once and runs nothing: what a model would do can be asked without its weights in memory. */
export const idleEngine: Engine = {
  name: 'idle',
  devices: ['cpu', 'wasm', 'webgpu', 'cuda'],
  async open() {
    return {
      async run() {
        throw new EngineError('engine-idle', 'This model was opened for planning alone; load() it to run it.')
      },
      async dispose() {},
    }
  },
}
