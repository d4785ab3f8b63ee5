import { characterErrorRate, readingErrors } from '../../src/eval/character-error-rate.ts'
import { bootstrapInterval, type Interval, wilsonInterval } from '../../src/eval/intervals.ts'
import type { Row } from './ask.ts'
import { grouped } from './grouped.ts'
import { type MeasuredSet, measuredSets, type SetName } from './sets.ts'

/** What the answers to some questions are worth. */
export interface Score {
  readonly name: string
  readonly pictures: number
  readonly questions: number
  readonly rightShare: number
  readonly characterErrorRate: number
  /** The one of the two that the set is measured by, and its 95 % interval. */
  readonly score: number
  readonly interval: Interval
  readonly goal?: number
  readonly isMet?: boolean
  /** Answers that did not end by themselves. */
  readonly cut: number
}

/** The scores of each set, and of the forms that its goal leaves out. */
export function setScores(rows: readonly Row[]): Score[] {
  return [...grouped(rows, ({ set }) => set)].flatMap(([name, own]) => {
    const set: MeasuredSet = measuredSets[name]
    const counts = ({ form }: Row) => set.goalForms?.includes(form) ?? true
    const others = own.filter((row) => !counts(row))
    return [
      scoreOf(name, own.filter(counts), set),
      ...(others.length > 0 ? [scoreOf(`${name}, other questions`, others, { metric: set.metric })] : []),
    ]
  })
}

/** The scores of each form, the worst ones first. */
export function formScores(rows: readonly Row[]): Score[] {
  const scores = [...grouped(rows, ({ set, form }) => `${set}: ${shortForm(form)}`)].map(([name, own]) =>
    scoreOf(name, own, { metric: 'share' }),
  )
  return scores.toSorted((a, b) => a.rightShare - b.rightShare || b.questions - a.questions)
}

/** All cells of tables are one form, whatever their column, and all choices of forms. */
function shortForm(form: string): string {
  return form.split('.').slice(0, 2).join('.')
}

function scoreOf(
  name: string,
  rows: readonly Row[],
  { metric, goal }: Pick<MeasuredSet, 'metric' | 'goal'>,
): Score {
  const errors = rows.map(readingErrors)
  const right = rows.filter(({ isRight }) => isRight).length
  const rightShare = right / rows.length
  const errorRate = characterErrorRate(errors)
  const score = metric === 'share' ? rightShare : errorRate
  return {
    name,
    pictures: new Set(rows.map(({ picture }) => picture)).size,
    questions: rows.length,
    rightShare,
    characterErrorRate: errorRate,
    score,
    interval:
      metric === 'share' ? wilsonInterval(right, rows.length) : bootstrapInterval(errors, characterErrorRate),
    ...(goal !== undefined && { goal, isMet: metric === 'share' ? score >= goal : score <= goal }),
    cut: rows.filter(({ isCut }) => isCut).length,
  }
}

export function setOf(name: SetName): MeasuredSet {
  return measuredSets[name]
}
