import type { MeasuredQuestion } from '../embedded/sets.ts'
import { followers } from './followers.ts'
import { isAnswer, occurrences } from './layer.ts'

/** Questions about a manual page, from the lines of the screen that shows it. */
export function manQuestions(screen: readonly string[], text: string): MeasuredQuestion[] {
  const asked: MeasuredQuestion[] = []
  const ask = (form: string, question: string, answer: string, longest?: number) => {
    if (isAnswer(answer, longest)) asked.push({ form: `man.${form}`, question, answer })
  }
  const status = screen.at(-1)!
  const body = screen.slice(0, -1)

  const title = /^(\S+\(\d\w*\))\s{2,}\S.*\s{2,}\1$/.exec(body[0]!)?.[1]
  if (title) ask('title', 'What stands at the top left of the screen?', title)
  const place = /line (\d+) /.exec(status)?.[1]
  // That it shows the first line is guessed too easily.
  if (place && place !== '1') ask('place', 'Which line number does the bottom line show?', place)

  const headings = body.filter((line) => /^[A-Z][A-Z ]+$/.test(line))
  // Everybody knows that SYNOPSIS follows NAME.
  for (const [i, heading] of headings.entries())
    if (i > 0 && !['SYNOPSIS', 'DESCRIPTION'].includes(heading))
      ask('heading', `Which heading comes after ${headings[i - 1]}?`, heading)
  const purpose = paragraphBelow(body, 'NAME')
  const [name, says] = /^(\S+) - (.+)$/.exec(purpose ?? '')?.slice(1) ?? []
  if (name && says) ask('purpose', `What does ${name} do, by the line below NAME?`, says, 80)
  const synopsis = paragraphBelow(body, 'SYNOPSIS', 1)
  if (synopsis) ask('synopsis', 'What does the line below SYNOPSIS say?', synopsis)

  for (const { short, long, meaning } of optionsOf(body)) {
    const names = [short, long?.replace(/[=[].*/, '')].filter((part) => part !== undefined)
    if (short && long && occurrences(text, `${short},`) === 1)
      ask('long', `What is the long form of ${short}?`, long)
    if (meaning) ask('option', `What does the option ${names[0]} do?`, meaning, 80)
  }
  const paragraphs = body
    .join('\n')
    .split(/\n\s*\n|^[A-Z][A-Z ]+$/m)
    .map((paragraph) => paragraph.trim().split(/\s+/))
  return [...asked, ...followers('man.next', paragraphs, text)]
}

/** The text of the first paragraph below a heading; undefined where it has more lines than that or is not there. */
function paragraphBelow(lines: readonly string[], heading: string, most = 2): string | undefined {
  const at = lines.indexOf(heading)
  if (at < 0) return undefined
  const end = lines.findIndex((line, i) => i > at && line.trim() === '')
  const own = lines.slice(at + 1, end)
  return end < 0 || own.length > most ? undefined : joined(own)
}

interface Option {
  readonly short?: string | undefined
  readonly long?: string | undefined
  /** What it does, where that is one sentence that can be seen whole. */
  readonly meaning?: string | undefined
}

/** The options of a screen: a line of names, then what they do, deeper, until an empty line or the next option. */
function optionsOf(lines: readonly string[]): Option[] {
  return lines.flatMap((line, at): Option[] => {
    const match = /^( {2,10})(-\w)?(?:, )?(--[\w-]+(?:\[?=\[?[\w-]+\]?)?)?(?: {2,}(\S.*))?$/.exec(line)
    if (!match || (match[2] === undefined && match[3] === undefined)) return []
    const [, indent, short, long, beside] = match
    const below = lines.slice(at + 1)
    const end = below.findIndex((next) => next.trim() === '' || next.search(/\S/) <= indent!.length)
    const own = [...(beside === undefined ? [] : [beside]), ...below.slice(0, Math.max(0, end))]
    const isWhole = end >= 0 && own.length > 0 && own.length <= 2
    return [{ short, long, meaning: isWhole ? joined(own) : undefined }]
  })
}

function joined(lines: readonly string[]): string {
  return lines.join(' ').replace(/\s+/g, ' ').trim()
}
