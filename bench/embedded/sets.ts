import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { FontSet } from '../../src/data/synthetic/faces.ts'
import type { Kind } from '../../src/data/synthetic/kinds.ts'
import { syntheticSample } from '../../src/data/synthetic/sample.ts'
import type { Answered } from '../../src/eval/answered.ts'
import { exactMatch } from '../../src/eval/exact-match.ts'
import { readQuantity, withinTolerance } from '../../src/eval/tolerance.ts'

/** A picture with questions about it. */
export interface MeasuredPicture {
  /** Unlike any other's; fit for a file's name. */
  readonly name: string
  readonly file: Uint8Array
  readonly questions: readonly MeasuredQuestion[]
}

export interface MeasuredQuestion {
  /** What is asked, whatever the words. */
  readonly form: string
  readonly question: string
  readonly answer: string
}

export interface Drawing {
  readonly count: number
  readonly seed: number
  readonly fonts: FontSet
}

/** Pictures of one sort, and what a model shall reach on them. */
export interface MeasuredSet {
  /** `error-rate` of characters, which shall be low; or the `share` of right answers, which shall be high. */
  readonly metric: 'error-rate' | 'share'
  /** Issue "Panoptes learns", section "The embedded model"; absent where it asks for the figure alone. */
  readonly goal?: number
  /** The forms that the goal speaks of; all where absent. The others are told below. */
  readonly goalForms?: readonly string[]
  /** The pictures, made one by one; how many there are. */
  readonly pictures: (drawing: Drawing) => AsyncIterable<MeasuredPicture>
  readonly size: (drawing: Drawing) => number | Promise<number>
  readonly isRight: (form: string, answered: Answered) => boolean
}

/** Where the answer is a number of the axis, which eyes read by five percent. Counts and labels are read exactly. */
const chartNumbers: ReadonlySet<string> = new Set(['bar.value', 'bar.difference', 'line.value', 'pie.share'])

export const measuredSets = {
  reading: drawn(['line'], { metric: 'error-rate', goal: 0.03 }),
  fields: drawn(['receipt', 'form', 'table'], { metric: 'share', goal: 0.85 }),
  charts: drawn(['bar-chart', 'line-chart', 'pie-chart'], {
    metric: 'share',
    goal: 0.75,
    isRight: (form, answered) =>
      chartNumbers.has(form) && readQuantity(answered.expected)
        ? withinTolerance(answered)
        : exactMatch(answered),
  }),
  scenes: drawn(['shapes'], {
    metric: 'share',
    goal: 0.9,
    goalForms: [
      ...['shapes.count', 'shapes.count-color', 'shapes.count-form'],
      ...['shapes.color', 'shapes.end-color'],
    ],
  }),
  'out-of-domain': {
    metric: 'share',
    pictures: outOfDomain,
    size: async () => (await outOfDomainRecords()).length,
    isRight: (_, answered) => exactMatch(answered),
  },
} satisfies Readonly<Record<string, MeasuredSet>>

export type SetName = keyof typeof measuredSets
export const setNames = Object.keys(measuredSets) as readonly SetName[]

/** A set of synthetic pictures, its kinds in turn, four questions a picture as in training. */
function drawn(
  kinds: readonly Kind[],
  rest: Pick<MeasuredSet, 'metric' | 'goal' | 'goalForms'> & Partial<Pick<MeasuredSet, 'isRight'>>,
): MeasuredSet {
  return {
    isRight: (_, answered) => exactMatch(answered),
    ...rest,
    size: ({ count }) => count,
    async *pictures({ count, seed, fonts }) {
      for (let i = 0; i < count; i++) {
        const kind = kinds[i % kinds.length]!
        const index = Math.floor(i / kinds.length)
        const sample = syntheticSample({ kind, seed, index, fonts })
        yield {
          name: `${kind}-${seed}-${index}.jpg`,
          file: await sample.jpeg(),
          questions: sample.questions,
        }
      }
    },
  }
}

/** Made by `bench/out-of-domain/make.ts`. */
export const outOfDomainFolder = resolve(import.meta.dirname, '../../.cache/out-of-domain')

/** A line of its `data.jsonl`. */
export interface OutOfDomainRecord {
  readonly image: string
  readonly questions: readonly MeasuredQuestion[]
}

async function* outOfDomain(): AsyncGenerator<MeasuredPicture> {
  for (const { image, questions } of await outOfDomainRecords())
    yield { name: image, file: await readFile(join(outOfDomainFolder, image)), questions }
}

async function outOfDomainRecords(): Promise<OutOfDomainRecord[]> {
  const table = await readFile(join(outOfDomainFolder, 'data.jsonl'), 'utf8').catch(() => '')
  return table.split('\n').flatMap((line) => (line ? [JSON.parse(line) as OutOfDomainRecord] : []))
}
