import { CheckpointError } from '../tensor/errors.ts'
import type { Checkpoint } from './checkpoint.ts'
import { groupBy, groupByPattern, type KeyGroup } from './key-groups.ts'
import { nearestKeys } from './nearest.ts'

/** A weight whose shape is not what the configuration asks for. */
export interface MisshapedKey {
  readonly key: string
  readonly expected: readonly number[]
  readonly found: readonly number[]
}

/** How the weights that a model needs and those that a checkpoint has differ. */
export interface KeyComparison {
  readonly missing: readonly string[]
  readonly unexpected: readonly string[]
  readonly misshaped: readonly MisshapedKey[]
}

/** More lines than these say nothing new about what is wrong; the error's data has them all. */
const shownGroups = 12

/** What is missing, what is left over and what has another shape; `expected` maps keys to shapes. */
export function compareKeys(
  expected: ReadonlyMap<string, readonly number[]>,
  checkpoint: Checkpoint,
): KeyComparison {
  const missing: string[] = []
  const misshaped: MisshapedKey[] = []
  for (const [key, shape] of expected) {
    if (!checkpoint.has(key)) {
      missing.push(key)
      continue
    }
    const found = checkpoint.entry(key).shape
    const fits = found.length === shape.length && found.every((size, axis) => size === shape[axis])
    if (!fits) misshaped.push({ key, expected: shape, found })
  }
  return { missing, unexpected: checkpoint.keys().filter((key) => !expected.has(key)), misshaped }
}

/**
 * The groups of weights that the checkpoint has and the model does not use, for a notice.
 * @throws CheckpointError `weights-do-not-fit`, which reports every missing and every mis-shaped weight
 * together, grouped over the layers, with the nearest names that the checkpoint has.
 */
export function requireKeys(
  expected: ReadonlyMap<string, readonly number[]>,
  checkpoint: Checkpoint,
): KeyGroup[] {
  const comparison = compareKeys(expected, checkpoint)
  const { missing, misshaped, unexpected } = comparison
  if (missing.length === 0 && misshaped.length === 0) return groupByPattern(unexpected)
  const lines: string[] = []
  if (missing.length > 0) lines.push(`${missing.length} are missing:`, ...missingLines(missing, checkpoint))
  if (misshaped.length > 0)
    lines.push(`${misshaped.length} have another shape:`, ...misshapedLines(misshaped))
  throw new CheckpointError(
    'weights-do-not-fit',
    `The weights in ${checkpoint.name} do not fit the configuration, which needs ${expected.size}.\n` +
      `${lines.join('\n')}\n` +
      `The configuration and the weights are probably of different models or revisions: pull both again together.`,
    { checkpoint: checkpoint.name, ...comparison },
  )
}

function missingLines(missing: readonly string[], checkpoint: Checkpoint): string[] {
  const groups = groupByPattern(missing)
  const known = checkpoint.keys()
  return shorten(groups, ({ pattern, keys }) => {
    const nearest = nearestKeys(keys[0]!, known)
    const hint = nearest.length > 0 ? `; nearest to the first: ${nearest.join(', ')}` : ''
    return `  ${pattern} (${keys.length})${hint}`
  })
}

function misshapedLines(misshaped: readonly MisshapedKey[]): string[] {
  const byShapes = groupBy(
    misshaped,
    ({ expected, found }) => `[${found.join(', ')}], not [${expected.join(', ')}]`,
  )
  const groups = [...byShapes].flatMap(([shapes, keys]) =>
    groupByPattern(keys.map(({ key }) => key)).map((group) => ({ ...group, shapes })),
  )
  return shorten(groups, ({ pattern, keys, shapes }) => `  ${pattern} (${keys.length}) is ${shapes}`)
}

function shorten<T extends KeyGroup>(groups: readonly T[], line: (group: T) => string): string[] {
  const lines = groups.slice(0, shownGroups).map(line)
  if (groups.length > shownGroups) lines.push(`  and ${groups.length - shownGroups} groups more`)
  return lines
}
