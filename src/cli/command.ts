import type { Options, Values } from './option.ts'

/** A word of the command line that is no option. */
export interface Positional {
  /** As the help shows it, such as `IMAGE`. */
  readonly name: string
  readonly help: string
  readonly isOptional?: boolean
  /** Takes all words that are left. */
  readonly isRepeated?: boolean
}

/** What a command line asks for. */
export interface Invocation<O extends Options> {
  readonly words: readonly string[]
  readonly options: Values<O>
}

/** A command as a value: its parsing and its help are both derived from it. */
export interface Command<O extends Options = Options> {
  readonly name: string
  readonly description: string
  /** What follows the command's name in its usage line. */
  readonly usage: string
  readonly positionals: readonly Positional[]
  readonly options: O
  /** Whole command lines, run as they stand by the tests. */
  readonly examples: readonly string[]
  /** Results go to stdout. @throws UsageError for command lines that cannot be meant; PanoptesError */
  run(invocation: Invocation<O>): Promise<void>
}

/** Checks a command against its own options; the registry holds commands of all kinds. */
export function defineCommand<const O extends Options>(command: Command<O>): Command {
  return command as unknown as Command
}
