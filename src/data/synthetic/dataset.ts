import { appendFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../../checkpoint/make-folder.ts'
import { AbortError, InputError } from '../../tensor/errors.ts'
import type { Kind } from './kinds.ts'
import type { Box } from './page.ts'
import { conversation, type NamedSample, pictureAt, type Series, type Turn } from './series.ts'

/** A line of `data.jsonl`: the conversation format of LLaVA and InternVL, and what else is known of the picture. */
export interface SyntheticRecord {
  readonly id: string
  /** Relative to the folder. */
  readonly image: string
  readonly width: number
  readonly height: number
  /** Question and answer by turns; the first question begins with `<image>`. */
  readonly conversations: readonly Turn[]
  readonly kind: Kind
  readonly answers: readonly string[]
  /** Of each answer: what it rests on, in pixels: left, top, right, bottom. */
  readonly boxes: readonly (readonly Box[])[]
  /** Of each question: what is asked, whatever its words. */
  readonly forms: readonly string[]
  /** Of each answer: whether it stands in the picture; others are counted, compared or measured. */
  readonly isRead: readonly boolean[]
}

export interface SynthesisOptions extends Series {
  readonly count: number
  readonly folder: string
  readonly signal?: AbortSignal | undefined
  readonly onRecord?: (record: SyntheticRecord, done: number) => void
}

/**
 * Writes `images/*.jpg` and `data.jsonl` into a folder, picture by picture: what is written stays when the work is stopped.
 * @throws InputError `out-exists` where the folder has a `data.jsonl`; AbortError
 */
export async function writeSynthetic(options: SynthesisOptions): Promise<readonly SyntheticRecord[]> {
  const { count, folder, signal, onRecord } = options
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
    const sample = pictureAt(options, i)
    const record = recordOf(sample)
    await writeFile(join(folder, record.image), await sample.jpeg())
    await appendFile(table, `${JSON.stringify(record)}\n`)
    records.push(record)
    onRecord?.(record, i + 1)
  }
  return records
}

function recordOf(sample: NamedSample): SyntheticRecord {
  const { id, kind, width, height, questions } = sample
  return {
    id,
    image: `images/${id}.jpg`,
    width,
    height,
    conversations: conversation(sample),
    kind,
    answers: questions.map(({ answer }) => answer),
    boxes: questions.map(({ boxes }) => boxes),
    forms: questions.map(({ form }) => form),
    isRead: questions.map(({ isRead }) => isRead),
  }
}
