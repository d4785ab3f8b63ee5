import { appendFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../../checkpoint/make-folder.ts'
import { AbortError, InputError } from '../../tensor/errors.ts'
import type { FontSet } from './faces.ts'
import type { Kind } from './kinds.ts'
import type { Box } from './page.ts'
import { type SyntheticSample, syntheticSample } from './sample.ts'

/** A line of `data.jsonl`: the conversation format of LLaVA and InternVL, and what else is known of the picture. */
export interface SyntheticRecord {
  readonly id: string
  /** Relative to the folder. */
  readonly image: string
  readonly width: number
  readonly height: number
  /** Question and answer by turns; the first question begins with `<image>`. */
  readonly conversations: readonly { readonly from: 'human' | 'gpt'; readonly value: string }[]
  readonly kind: Kind
  readonly answers: readonly string[]
  /** Of each answer: what it rests on, in pixels: left, top, right, bottom. */
  readonly boxes: readonly (readonly Box[])[]
  /** Of each question: what is asked, whatever its words. */
  readonly forms: readonly string[]
  /** Of each answer: whether it stands in the picture; others are counted, compared or measured. */
  readonly isRead: readonly boolean[]
}

export interface SynthesisOptions {
  /** Taken in turn. */
  readonly kinds: readonly Kind[]
  readonly count: number
  readonly seed: number
  readonly folder: string
  readonly fonts?: FontSet | undefined
  /** The most questions of a picture; 4 by default. */
  readonly questions?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly onRecord?: (record: SyntheticRecord, done: number) => void
}

/**
 * Writes `images/*.jpg` and `data.jsonl` into a folder, picture by picture: what is written stays when the work is stopped.
 * @throws InputError `out-exists` where the folder has a `data.jsonl`; AbortError
 */
export async function writeSynthetic(options: SynthesisOptions): Promise<readonly SyntheticRecord[]> {
  const { kinds, count, seed, folder, fonts, questions, signal, onRecord } = options
  const table = join(folder, 'data.jsonl')
  await makeFolder(join(folder, 'images'))
  if (await stat(table).catch(() => undefined))
    throw new InputError(
      'out-exists',
      `${folder} holds a data.jsonl already. Name another folder, or remove it.`,
      { folder },
    )
  await writeFile(table, '')
  const records: SyntheticRecord[] = []
  for (let i = 0; i < count; i++) {
    // A turn of the event loop, in which a signal can arrive.
    await new Promise(setImmediate)
    if (signal?.aborted)
      throw new AbortError('aborted', `Stopped after ${i} of ${count} pictures, which are in ${folder}.`, {
        done: i,
      })
    const kind = kinds[i % kinds.length]!
    const index = Math.floor(i / kinds.length)
    const sample = syntheticSample({ kind, seed, index, fonts, questions })
    const record = recordOf(sample, `${kind}-${seed}-${index}`)
    await writeFile(join(folder, record.image), await sample.jpeg())
    await appendFile(table, `${JSON.stringify(record)}\n`)
    records.push(record)
    onRecord?.(record, i + 1)
  }
  return records
}

function recordOf({ kind, width, height, questions }: SyntheticSample, id: string): SyntheticRecord {
  return {
    id,
    image: `images/${id}.jpg`,
    width,
    height,
    conversations: questions.flatMap(({ question, answer }, i) => [
      { from: 'human' as const, value: i === 0 ? `<image>\n${question}` : question },
      { from: 'gpt' as const, value: answer },
    ]),
    kind,
    answers: questions.map(({ answer }) => answer),
    boxes: questions.map(({ boxes }) => boxes),
    forms: questions.map(({ form }) => form),
    isRead: questions.map(({ isRead }) => isRead),
  }
}
