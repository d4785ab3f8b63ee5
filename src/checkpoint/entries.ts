import { CheckpointError } from '../tensor/errors.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import type { Checkpoint, WeightEntry } from './checkpoint.ts'
import { nearestKeys } from './nearest.ts'

/**
 * A checkpoint over entries in their order.
 * @throws CheckpointError `weight-duplicate` when two entries have one key.
 */
export function checkpointOfEntries(name: string, entries: Iterable<WeightEntry>): Checkpoint {
  const byKey = new Map<string, WeightEntry>()
  for (const entry of entries) {
    const other = byKey.get(entry.key)
    if (other)
      throw new CheckpointError(
        'weight-duplicate',
        `${name} has ${entry.key} twice (${placeName(other)} and ${placeName(entry)}). ` +
          `Keep only one set of weight files in the folder, or name the file to open.`,
        { key: entry.key, checkpoint: name, files: [placeName(other), placeName(entry)] },
      )
    byKey.set(entry.key, entry)
  }
  return {
    name,
    keys: () => [...byKey.keys()],
    has: (key) => byKey.has(key),
    entry(key) {
      const entry = byKey.get(key)
      if (entry) return entry
      const nearest = nearestKeys(key, byKey.keys())
      throw new CheckpointError(
        'weight-missing',
        `${name} has no weight ${key} among its ${byKey.size}. ` +
          (nearest.length > 0
            ? `The nearest are ${nearest.join(', ')}. `
            : 'Nothing there has a similar name. ') +
          `The configuration and the weights are probably of different models.`,
        { key, checkpoint: name, nearest },
      )
    },
  }
}

/** Several checkpoints as one: a language model and its vision tower, a base and what was trained on it. */
export function mergeCheckpoints(name: string, checkpoints: readonly Checkpoint[]): Checkpoint {
  return checkpointOfEntries(
    name,
    checkpoints.flatMap((checkpoint) => checkpoint.keys().map((key) => checkpoint.entry(key))),
  )
}

/**
 * A view of a checkpoint whose keys begin with `from`, seen beginning with `to` instead; all others are hidden.
 * `withPrefix(trained, 'module.', '')` strips, `withPrefix(tower, '', 'model.vision_tower.')` adds.
 */
export function withPrefix(checkpoint: Checkpoint, from: string, to: string): Checkpoint {
  const keys = checkpoint.keys().filter((key) => key.startsWith(from))
  return checkpointOfEntries(
    checkpoint.name,
    keys.map((key) => ({ ...checkpoint.entry(key), key: to + key.slice(from.length) })),
  )
}

/** The same checkpoint with other weights under some of its keys; those under keys that it lacks are left out. */
export function replaceWeights(
  checkpoint: Checkpoint,
  weights: ReadonlyMap<string, WeightEntry>,
): Checkpoint {
  return checkpointOfEntries(
    checkpoint.name,
    checkpoint.keys().map((key) => weights.get(key) ?? checkpoint.entry(key)),
  )
}

/** A weight in memory. */
export function tensorEntry(key: string, tensor: HostTensor): WeightEntry {
  return { key, dtype: tensor.dtype, shape: tensor.shape, read: async () => tensor }
}

/** A checkpoint of tensors in memory. */
export function checkpointOf(name: string, tensors: ReadonlyMap<string, HostTensor>): Checkpoint {
  return checkpointOfEntries(
    name,
    [...tensors].map(([key, tensor]) => tensorEntry(key, tensor)),
  )
}

function placeName(entry: WeightEntry): string {
  return entry.place?.path ?? 'memory'
}

/** A view of a checkpoint under other keys, such as those that a later release uses. */
export function renameKeys(checkpoint: Checkpoint, rename: (key: string) => string): Checkpoint {
  return checkpointOfEntries(
    checkpoint.name,
    checkpoint.keys().map((key) => ({ ...checkpoint.entry(key), key: rename(key) })),
  )
}
