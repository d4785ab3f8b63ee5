import type { FontSet } from './faces.ts'
import type { Kind } from './kinds.ts'
import { type SyntheticSample, syntheticSample } from './sample.ts'

/** Pictures of several kinds, which are taken in turn. */
export interface Series {
  readonly kinds: readonly Kind[]
  readonly seed: number
  readonly fonts?: FontSet | undefined
  /** The most questions of a picture; 4 by default. */
  readonly questions?: number | undefined
  /** Whether all text of each picture is asked for first. */
  readonly everything?: boolean | undefined
}

/** A picture of a series under its name. */
export interface NamedSample extends SyntheticSample {
  /** Kind, seed and number: `receipt-7-12`. */
  readonly id: string
}

/** Makes a picture of a series: it depends on nothing but the series and its place `at` there, from 0 on. */
export function pictureAt({ kinds, seed, fonts, questions, everything }: Series, at: number): NamedSample {
  const kind = kinds[at % kinds.length]!
  const index = Math.floor(at / kinds.length)
  return {
    ...syntheticSample({ kind, seed, index, fonts, questions, everything }),
    id: `${kind}-${seed}-${index}`,
  }
}

/** A turn of a conversation in the format of LLaVA and InternVL. */
export interface Turn {
  readonly from: 'human' | 'gpt'
  readonly value: string
}

/** Question and answer by turns; the first question begins with `<image>`. */
export function conversation({ questions }: Pick<SyntheticSample, 'questions'>): Turn[] {
  return questions.flatMap(({ question, answer }, i): Turn[] => [
    { from: 'human', value: i === 0 ? `<image>\n${question}` : question },
    { from: 'gpt', value: answer },
  ])
}
