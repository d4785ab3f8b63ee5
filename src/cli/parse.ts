import { Command as Parser, Option as ParserOption } from 'commander'
import type { Command } from './command.ts'
import { type CommandEntry, commands } from './commands.ts'
import { flagName } from './flag-name.ts'
import type { Option } from './option.ts'

/**
 * The parser of a command line. Only the commands whose names it holds are loaded; of the others it knows
 * the summary. Throws CommanderError for wrong usage, and after help and version have been shown.
 */
export async function parserFor(words: readonly string[], version: string): Promise<Parser> {
  const program = new Parser('panoptes')
    .description('High-resolution vision-language models: ask about pictures, see how models look at them.')
    .usage('COMMAND [options]')
    .version(version, '--version', 'show the version')
    .helpOption('--help', 'show help')
    .helpCommand('help [COMMAND]', 'show the help of a command')
    .exitOverride()
    .configureHelp({ minWidthToWrap: 30, optionDescription: (option) => option.description })
    .configureOutput({ outputError: () => {} }) // reported where all errors are
    .addHelpText('after', () => `\nSee panoptes COMMAND --help for a command's options and examples.`)
  for (const [name, entry] of Object.entries(commands)) {
    const isNamed = words.includes(name)
    program.addCommand(
      isNamed ? commandParser(await entry.load(), entry) : new Parser(name).summary(entry.summary),
    )
  }
  for (const parser of program.commands) parser.copyInheritedSettings(program)
  return program
}

function commandParser(command: Command, { summary }: CommandEntry): Parser {
  const parser = new Parser(command.name)
    .summary(summary)
    .description(command.description)
    .usage(command.usage)
    .helpOption('--help', 'show this help')
    .allowExcessArguments(false)
    .addHelpText('after', () => `\nExamples:\n${command.examples.map((line) => `  ${line}`).join('\n')}`)
  for (const { name, help, isOptional, isRepeated } of command.positionals) {
    const written = isRepeated ? `${name}...` : name
    parser.argument(isOptional ? `[${written}]` : `<${written}>`, help)
  }
  for (const [key, option] of Object.entries(command.options)) parser.addOption(parserOption(key, option))
  parser.action(() => {
    const given = parser.opts<Record<string, unknown>>()
    const options = Object.fromEntries(Object.keys(command.options).map((key) => [key, given[key]]))
    for (const [key, option] of Object.entries(command.options))
      if (option.isNegated && options[key] !== false) options[key] = undefined
    return command.run({ words: parser.args, options })
  })
  return parser
}

function parserOption(key: string, option: Option<unknown>): ParserOption {
  const { value, choices, bare, parse } = option
  const shown = choices && choices.length <= 6 ? choices.join('|') : value
  const argument = value === undefined ? '' : bare === undefined ? ` <${shown}>` : ` [${shown}]`
  const result = new ParserOption(`${flagName(key, option)}${argument}`, option.help)
  if (parse) result.argParser((text, before) => parse(text, before))
  if (bare !== undefined) result.preset(bare)
  if (option.group) result.helpGroup(`${option.group}:`)
  return result
}

/**
 * `--compress receipt.jpg`: a value that may be left out takes the next word whatever it is, so the parser is
 * told where the word is none of its choices.
 */
export async function settleBareOptions(words: readonly string[]): Promise<string[]> {
  const entry = commands[words.find((word) => !word.startsWith('-')) ?? '']
  if (!entry) return [...words]
  const { options } = await entry.load()
  const bare = new Map(
    Object.entries(options).flatMap(([key, option]) =>
      option.bare === undefined ? [] : [[flagName(key, option), option] as const],
    ),
  )
  const end = words.indexOf('--')
  return words.map((word, i) => {
    const option = end < 0 || i < end ? bare.get(word) : undefined
    return option && !option.choices?.includes(words[i + 1] ?? '') ? `${word}=${String(option.bare)}` : word
  })
}
