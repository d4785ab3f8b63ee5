import type { Dice } from './dice.ts'
import { type Asked, derived, read } from './kind.ts'
import type { Mark } from './page.ts'
import { nextWords, readAll } from './prose.ts'

/** Lines, each of its words. */
export type Lines = readonly (readonly Mark[])[]

/** The question for everything that is written. */
export function readTheText(dice: Dice): string {
  return dice.pick([
    'Read the text.',
    'Read the text.',
    'What is written here?',
    'What does it say?',
    'Which text is in the picture?',
    'Transcribe the text.',
    'Write down what you read.',
    'What text do you see?',
  ])
}

/** The whole text, its lines as they are. */
export function wholeText(form: string, question: string, lines: Lines): Asked {
  const answer = lines.map((line) => line.map(({ text }) => text).join(' ')).join('\n')
  return { form, question, answer, evidence: lines.flat(), isRead: true }
}

const ordinals = 'first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth'.split('|')

/**
 * What single lines say, how they begin and end, which word follows which, and how many there are.
 * @param isProse whether a line goes on in the next one
 * @param where told behind a line's number where the picture has other text: ` of the text`
 */
export function askAboutLines(kind: string, lines: Lines, isProse: boolean, dice: Dice, where = ''): Asked[] {
  const [i, j] = [dice.int(0, lines.length - 1), dice.int(0, lines.length - 1)]
  const name = (at: number) =>
    at < ordinals.length && dice.chance(0.4) ? `the ${ordinals[at]} line${where}` : `line ${at + 1}${where}`
  const all = lines.flat()
  const follow = nextWords(`${kind}.next`, all, isProse ? 2 : all.length, dice)
  const isInLine = ({ evidence: [word, next] }: Asked) =>
    lines.some((line) => line.includes(word!) && line.includes(next!))
  return [
    readAll(`${kind}.line`, dice.pick([`What does ${name(i)} say?`, `Read ${name(i)}.`]), lines[i]!),
    ...(isPoint(lines[j]![0]!.text)
      ? []
      : [read(`${kind}.first`, `What is the first word of ${name(j)}?`, lines[j]![0]!)]),
    read(`${kind}.last`, `What is the last word of ${name(i)}?`, lines[i]!.at(-1)!),
    ...(isProse ? follow : follow.filter(isInLine).slice(0, 2)),
    derived(
      `${kind}.lines`,
      `How many lines ${where === '' ? 'are there' : 'does the text have'}?`,
      String(lines.length),
      all,
    ),
  ]
}

/** The point or number before an item of a list. */
function isPoint(word: string): boolean {
  return /^([-*•]|\d+\.)$/.test(word)
}
