import { printable, table } from '../../src/cli/words.ts'
import type { Row } from './ask.ts'
import { grouped } from './grouped.ts'
import { formScores, type Score, setScores } from './scores.ts'
import { measuredSets } from './sets.ts'

/** The scores as two tables: the sets with their goals, then every form of question, the worst first. */
export function reportText(rows: readonly Row[]): string {
  return `${setTable(setScores(rows))}\n\n${formTable(formScores(rows))}\n`
}

function setTable(scores: readonly Score[]): string {
  const lines = scores.map((score) => [
    score.name,
    String(score.pictures),
    String(score.questions),
    percent(score.score),
    score.interval.map(percent).join(' to '),
    goalText(score),
    score.isMet === undefined ? '' : score.isMet ? 'yes' : 'no',
  ])
  const head = ['set', 'pictures', 'questions', 'score', '95 % interval', 'goal', 'met']
  return table([head, ...lines], [false, true, true, true, true, true, false])
}

function goalText({ name, goal }: Score): string {
  if (goal === undefined) return ''
  const { metric } = measuredSets[name as keyof typeof measuredSets]
  return metric === 'share' ? `≥ ${percent(goal)}` : `CER ≤ ${percent(goal)}`
}

function formTable(scores: readonly Score[]): string {
  const lines = scores.map(({ name, questions, rightShare, interval, characterErrorRate, cut }) => [
    name,
    String(questions),
    percent(rightShare),
    interval.map(percent).join(' to '),
    percent(characterErrorRate),
    String(cut),
  ])
  const head = ['form of question', 'questions', 'right', '95 % interval', 'CER', 'cut off']
  return table([head, ...lines], [false, true, true, true, true, true])
}

/** Wrong answers, spread over the sets and forms, each with the path of its picture. */
export function failureText(rows: readonly Row[], pathOf: (row: Row) => string): string {
  const quoted = (text: string) => JSON.stringify(printable(text))
  return rows
    .map(
      (row) =>
        `${pathOf(row)}\n  ${row.form}: ${row.question}\n  expected ${quoted(row.expected)}\n  given    ${quoted(row.given)}\n`,
    )
    .join('')
}

/** `count` wrong answers of each set, one of each form in turn. */
export function someFailures(rows: readonly Row[], count: number): Row[] {
  const wrong = rows.filter(({ isRight }) => !isRight)
  return [...grouped(wrong, ({ set }) => set).values()].flatMap((own) => {
    const forms = [...grouped(own, ({ form }) => form).values()]
    const turns = Math.max(...forms.map((list) => list.length))
    const inTurn = Array.from({ length: turns }, (_, turn) => forms.flatMap((list) => list[turn] ?? []))
    return inTurn.flat().slice(0, count)
  })
}

function percent(share: number): string {
  return Number.isNaN(share) ? '–' : `${(100 * share).toFixed(1)} %`
}
