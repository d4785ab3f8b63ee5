import { InvalidArgumentError } from 'commander'

/** One `--option` of a command: the value that it gives, and its words in the help. */
export interface Option<T> {
  readonly help: string
  /** What the help calls the value, as in `--seed N`; an option without one is a switch. */
  readonly value?: string
  readonly choices?: readonly string[]
  /** What the option means when it stands without its value. */
  readonly bare?: T
  /** Written `--no-…`; the value is then false. */
  readonly isNegated?: boolean
  /** The heading in the help under which it stands. */
  readonly group?: string
  /** The value of a text, given the value of an earlier occurrence. @throws InvalidArgumentError */
  readonly parse?: (text: string, before: T | undefined) => T
}

// biome-ignore lint/suspicious/noExplicitAny: the value types of a command's options differ
export type Options = Readonly<Record<string, Option<any>>>

/** The values that a command line gave for these options; undefined where it did not name one. */
export type Values<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T | undefined : never
}

/** A switch, true when it is there. */
export function flag(help: string): Option<boolean> {
  return { help }
}

/** A switch that is written `--no-…`, false when it is there. */
export function negated(help: string): Option<boolean> {
  return { help, isNegated: true }
}

export function text(value: string, help: string): Option<string> {
  return { value, help, parse: (given) => given }
}

/** An option that may be repeated; the values in order. */
export function texts(value: string, help: string): Option<readonly string[]> {
  return { value, help: `${help} (repeatable)`, parse: (given, before) => [...(before ?? []), given] }
}

export function choice<const T extends string>(
  value: string,
  choices: readonly T[],
  help: string,
): Option<T> {
  return { value, help, choices, parse: (given) => oneOf(given, choices) }
}

/** A number within the bounds, both included. */
export function number(
  value: string,
  help: string,
  min: number,
  max = Number.POSITIVE_INFINITY,
): Option<number> {
  return { value, help, parse: (given) => numberIn(given, min, max, 'a number') }
}

export function wholeNumber(
  value: string,
  help: string,
  min = 1,
  max = Number.MAX_SAFE_INTEGER,
): Option<number> {
  return {
    value,
    help,
    parse: (given) => {
      const found = numberIn(given, min, max, 'a whole number')
      if (Number.isInteger(found)) return found
      throw new InvalidArgumentError(`It must be a whole number, not ${given}.`)
    },
  }
}

/** Numbers with commas between them. */
export function numbers(value: string, help: string): Option<readonly number[]> {
  return {
    value,
    help,
    parse: (given) =>
      given.split(',').map((part) => numberIn(part, 0, Number.POSITIVE_INFINITY, 'numbers such as 1,2')),
  }
}

/** The same options under a heading of the help. */
export function grouped<const O extends Options>(group: string, options: O): O {
  return Object.fromEntries(Object.entries(options).map(([key, option]) => [key, { ...option, group }])) as O
}

function oneOf<T extends string>(given: string, choices: readonly T[]): T {
  const found = choices.find((known) => known === given)
  if (found !== undefined) return found
  throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}.`)
}

function numberIn(given: string, min: number, max: number, kind: string): number {
  const found = /^\s*$/.test(given) ? Number.NaN : Number(given)
  if (found >= min && found <= max && found !== Number.POSITIVE_INFINITY) return found
  const most = max === Number.POSITIVE_INFINITY || max === Number.MAX_SAFE_INTEGER ? undefined : max
  const range =
    most === undefined
      ? min > Number.NEGATIVE_INFINITY
        ? ` of at least ${min}`
        : ''
      : ` from ${min} to ${most}`
  throw new InvalidArgumentError(`It must be ${kind}${range}.`)
}
