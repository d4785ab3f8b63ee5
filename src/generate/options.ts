import { InputError } from '../tensor/errors.ts'

/** How an answer is written. Greedy unless a temperature or beams are asked for. */
export interface GenerationOptions {
  /** The most tokens of one answer, the stop token included; 512 by default. */
  readonly maxNewTokens?: number | undefined
  /** 0 always takes the likeliest token (greedy, the default); above it, tokens are drawn. */
  readonly temperature?: number | undefined
  /** Draw among the k likeliest tokens. */
  readonly topK?: number | undefined
  /** Draw among the likeliest tokens that together have at least this probability. */
  readonly topP?: number | undefined
  /** Draw among tokens with at least this share of the likeliest one's probability. */
  readonly minP?: number | undefined
  /** Above 1 makes tokens less likely that are already in the prompt or the answer; 1 by default. */
  readonly repetitionPenalty?: number | undefined
  /** Answers followed at a time in a beam search; 1, which is none, by default. */
  readonly beams?: number | undefined
  /** Beam scores are divided by length to this power: above 0 favours long answers; 1 by default. */
  readonly lengthPenalty?: number | undefined
  /** How many answers; 1 by default. */
  readonly n?: number | undefined
  /** Makes drawing repeatable on the same device; random by default. */
  readonly seed?: number | undefined
  /** The answer ends before the first of these texts, besides the model's own. */
  readonly stop?: readonly string[] | undefined
  /** The answer ends at any of these ids, besides the model's own. */
  readonly stopIds?: readonly number[] | undefined
}

/** Options that were checked, defaults filled in. */
export interface GenerationSettings {
  readonly maxNewTokens: number
  readonly temperature: number
  readonly topK: number | undefined
  readonly topP: number
  readonly minP: number
  readonly repetitionPenalty: number
  readonly beams: number
  readonly lengthPenalty: number
  readonly n: number
  readonly seed: number | undefined
  readonly stop: readonly string[]
  readonly stopIds: readonly number[]
}

interface Rule {
  readonly isValid: (value: never) => boolean
  readonly expected: string
}

const positive: Rule = { isValid: (x: unknown) => isWhole(x, 1), expected: 'a whole number of at least 1' }
const rules: Readonly<Record<keyof GenerationOptions, Rule>> = {
  maxNewTokens: positive,
  temperature: { isValid: (x: unknown) => isFiniteNumber(x) && x >= 0, expected: 'a number of at least 0' },
  topK: positive,
  topP: { isValid: (x: unknown) => isFiniteNumber(x) && x > 0 && x <= 1, expected: 'above 0 and at most 1' },
  minP: { isValid: (x: unknown) => isFiniteNumber(x) && x >= 0 && x <= 1, expected: 'from 0 to 1' },
  repetitionPenalty: { isValid: (x: unknown) => isFiniteNumber(x) && x > 0, expected: 'a number above 0' },
  beams: positive,
  lengthPenalty: { isValid: isFiniteNumber, expected: 'a number' },
  n: positive,
  seed: { isValid: (x: unknown) => isWhole(x, 0), expected: 'a whole number from 0 to 2⁵³ − 1' },
  stop: {
    isValid: isListOf((x) => typeof x === 'string' && x !== ''),
    expected: 'a list of texts, none empty',
  },
  stopIds: { isValid: isListOf((x) => isWhole(x, 0)), expected: 'a list of token ids' },
}

/** The names of all generation options. */
export const generationOptionNames: readonly string[] = Object.keys(rules)

/** What only drawing looks at, and what only a beam search does. */
const samplingOptions = ['topK', 'topP', 'minP', 'seed'] as const
const beamOptions = ['lengthPenalty'] as const

/**
 * Checked options with their defaults. `siblings` names the caller's own options, for the message about unknown
 * ones.
 * @throws InputError `unknown-option`, `option-value`, `option-without-effect`
 */
export function generationSettings(
  options: GenerationOptions,
  siblings: readonly string[] = [],
): GenerationSettings {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const known = [...generationOptionNames, ...siblings]
  for (const [option, value] of given) {
    const rule = Object.hasOwn(rules, option) ? rules[option as keyof GenerationOptions] : undefined
    if (!rule)
      throw new InputError(
        'unknown-option',
        `There is no option '${option}'. Known are ${known.join(', ')}.`,
        { option, known },
      )
    if (!rule.isValid(value as never))
      throw new InputError(
        'option-value',
        `The option ${option} is ${JSON.stringify(value)}; it must be ${rule.expected}.`,
        { option, found: value },
      )
  }
  refuseWithoutEffect(options)
  return {
    maxNewTokens: options.maxNewTokens ?? 512,
    temperature: options.temperature ?? 0,
    topK: options.topK,
    topP: options.topP ?? 1,
    minP: options.minP ?? 0,
    repetitionPenalty: options.repetitionPenalty ?? 1,
    beams: options.beams ?? 1,
    lengthPenalty: options.lengthPenalty ?? 1,
    n: options.n ?? 1,
    seed: options.seed,
    stop: options.stop ?? [],
    stopIds: options.stopIds ?? [],
  }
}

/** An option that changes nothing is a misunderstanding: better said than ignored. */
function refuseWithoutEffect(options: GenerationOptions): void {
  const { beams = 1, temperature = 0, n = 1 } = options
  const refuse = (option: keyof GenerationOptions, why: string) => {
    throw new InputError('option-without-effect', why, { option, found: options[option] })
  }
  if (beams > 1) {
    // A temperature of 0 says what a beam search does anyway.
    for (const option of ['temperature', ...samplingOptions] as const)
      if (options[option] !== undefined && !(option === 'temperature' && temperature === 0))
        refuse(
          option,
          `${option} has no effect on a beam search, which draws nothing. Leave out one of them.`,
        )
    if (options.stop?.length)
      refuse('stop', 'Stop texts have no effect on a beam search: beams end at ids alone. Use stopIds.')
    if (n > beams)
      refuse('n', `A search with ${beams} beams cannot give ${n} answers. Raise beams, or lower n.`)
    return
  }
  for (const option of beamOptions)
    if (options[option] !== undefined)
      refuse(option, `${option} has no effect without a beam search. Set beams above 1, or leave it out.`)
  if (temperature > 0) return
  for (const option of samplingOptions)
    if (options[option] !== undefined)
      refuse(
        option,
        `${option} has no effect under greedy decoding (temperature 0). Set temperature above 0, or leave it out.`,
      )
  if (n > 1)
    refuse(
      'n',
      `Greedy decoding gives the same answer ${n} times. For ${n} different ones, set temperature above 0, or beams.`,
    )
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

function isWhole(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least
}

function isListOf(isValid: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => Array.isArray(value) && value.every(isValid)
}
