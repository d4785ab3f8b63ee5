import { InputError } from '../tensor/errors.ts'

/**
 * Which weights are trained, and how. Patterns are keys with `*` for any characters; the last group that matches a
 * weight counts, and a weight that none matches is frozen.
 */
export interface ParameterGroup {
  readonly match: string | readonly string[]
  /** False freezes what an earlier group would train. */
  readonly isTrained?: boolean | undefined
  /** Times the step's learning rate; 1 by default. */
  readonly rateFactor?: number | undefined
  /** Decoupled decay; 0 by default, and always 0 for vectors (norms and biases). */
  readonly weightDecay?: number | undefined
}

/** How one weight is trained. */
export interface TrainedWeight {
  readonly key: string
  readonly rateFactor: number
  readonly weightDecay: number
}

/**
 * The weights that the groups train, in the order of `shapes`.
 * @param shapes every weight of the model by key
 * @throws InputError `group-matches-nothing`, `nothing-trained`
 */
export function trainedWeights(
  shapes: ReadonlyMap<string, readonly number[]>,
  groups: readonly ParameterGroup[],
): TrainedWeight[] {
  const matchers = groups.map((group) => ({ group, patterns: [group.match].flat().map(keyPattern) }))
  for (const { group, patterns } of matchers)
    if (![...shapes.keys()].some((key) => patterns.some((pattern) => pattern.test(key))))
      throw new InputError(
        'group-matches-nothing',
        `No weight matches ${[group.match].flat().join(', ')}. Keys look like ${[...shapes.keys()].slice(0, 3).join(', ')}.`,
        { match: group.match },
      )
  const trained: TrainedWeight[] = []
  for (const [key, shape] of shapes) {
    const found = matchers.findLast(({ patterns }) => patterns.some((pattern) => pattern.test(key)))
    if (!found || found.group.isTrained === false) continue
    const { rateFactor = 1, weightDecay = 0 } = found.group
    trained.push({ key, rateFactor, weightDecay: shape.length > 1 ? weightDecay : 0 })
  }
  if (trained.length === 0) throw new InputError('nothing-trained', 'The groups freeze every weight.')
  return trained
}

/** A key pattern as a regular expression: `*` stands for any characters, everything else for itself. */
export function keyPattern(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}
