import type { Checkpoint } from '../src/checkpoint/checkpoint.ts'
import { type Shapes, Weights } from '../src/graph/weights.ts'
import { CheckpointError } from '../src/tensor/errors.ts'
import { randomTensor } from './finite-differences.ts'

/** A checkpoint in memory with random values of the given shapes, the same at every run. */
export function randomCheckpoint(shapes: Shapes, scale = 0.5): Checkpoint {
  const keys = Object.keys(shapes)
  return {
    name: 'random weights',
    keys: () => keys,
    has: (key) => Object.hasOwn(shapes, key),
    entry: (key) => {
      const shape = shapes[key]
      if (!shape) throw new CheckpointError('weight-missing', `There is no weight ${key}.`)
      const seed = 1 + keys.indexOf(key)
      return { key, dtype: 'f32', shape, read: async () => randomTensor(shape, seed, -scale, scale) }
    },
  }
}

/** The weights of such a checkpoint. */
export function randomWeights(shapes: Shapes, scale?: number): Weights {
  return new Weights(randomCheckpoint(shapes, scale))
}
