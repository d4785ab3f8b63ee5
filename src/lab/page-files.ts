import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { writeWhole } from '../checkpoint/write-whole.ts'
import type { Box } from '../data/synthetic/page.ts'
import { AbortError } from '../tensor/errors.ts'
import { type Borders, type Placement, wordPage } from './page.ts'

/** What every page is asked. */
export const question = 'Read the text.'

/** More tokens than the longest page's text has, letter by letter. */
export const maxNewTokens = 96

/** A line of `data.jsonl`: a conversation to learn from, and what else is known of the page. */
export interface PageRow {
  readonly id: string
  /** Relative to the folder. */
  readonly image: string
  readonly width: number
  readonly height: number
  readonly placement: Placement
  readonly borders: Borders
  /** Which page of the seed; a `crossed` and a `clear` page with one index are twins. */
  readonly index: number
  readonly words: readonly { readonly text: string; readonly box: Box }[]
  readonly conversations: readonly { readonly from: 'human' | 'gpt'; readonly value: string }[]
}

export interface WritePagesOptions {
  readonly folder: string
  readonly seed: number
  readonly tileSize: number
  readonly count: number
  /** Each page once in each of these. */
  readonly placements: readonly Placement[]
  readonly signal?: AbortSignal | undefined
  readonly onPage?: ((done: number, total: number) => void) | undefined
}

/**
 * The pages of a folder: those that are there once all were written, else drawn now, into `images/*.png` and, last of
 * all, `data.jsonl`.
 * @throws AbortError `aborted` between pages
 */
export async function writePages(options: WritePagesOptions): Promise<readonly PageRow[]> {
  const { folder, seed, tileSize, count, placements, signal, onPage } = options
  const table = join(folder, 'data.jsonl')
  const written = await readFile(table, 'utf8').catch(() => undefined)
  if (written !== undefined)
    return written
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as PageRow)
  await makeFolder(join(folder, 'images'))
  const rows: PageRow[] = []
  for (let index = 0; index < count; index++)
    for (const placement of placements) {
      // A turn of the event loop, in which a signal can arrive.
      await new Promise(setImmediate)
      if (signal?.aborted) throw new AbortError('aborted', 'Stopped while pages were drawn.')
      const { page, borders, words } = wordPage({ seed, index, placement, tileSize })
      const id = `${placement}-${index}`
      const image = `images/${id}.png`
      await writeFile(join(folder, image), await page.canvas.encode('png'))
      const text = words.map((word) => word.text).join(' ')
      rows.push({
        ...{ id, image, width: page.width, height: page.height, placement, borders, index, words },
        conversations: [
          { from: 'human', value: `<image>\n${question}` },
          { from: 'gpt', value: text },
        ],
      })
      onPage?.(rows.length, count * placements.length)
    }
  await writeWhole(
    table,
    rows.map((row) => Buffer.from(`${JSON.stringify(row)}\n`)),
  )
  return rows
}
