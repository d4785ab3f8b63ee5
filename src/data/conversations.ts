import { type FileHandle, open, readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { InputError } from '../tensor/errors.ts'
import { type ConversationRecord, parseRecord } from './records.ts'

/** A dataset whose records are read when they are asked for. */
export interface ConversationDataset {
  readonly path: string
  readonly imageFolder: string
  readonly length: number
  /** @throws InputError `record-invalid` with file and line */
  read(index: number): Promise<ConversationRecord>
  close(): Promise<void>
}

/** Bytes read at a time while lines are counted. */
const scanBytes = 2 ** 22

/**
 * Opens conversations in LLaVA's and InternVL's format: `.jsonl` (a record a line, only places kept in memory) or
 * `.json` (an array). Needs Node.
 * @param imageFolder where picture paths start; the file's own folder by default
 * @throws InputError `dataset-missing`, `dataset-empty`, `dataset-invalid`
 */
export async function openConversations(path: string, imageFolder?: string): Promise<ConversationDataset> {
  const folder = resolve(imageFolder ?? dirname(path))
  if (path.endsWith('.json')) return jsonDataset(path, folder)
  const file = await open(path).catch((error: unknown) => Promise.reject(missing(path, error)))
  try {
    const lines = await lineOffsets(file)
    if (lines.length === 0) throw empty(path)
    return {
      path,
      imageFolder: folder,
      length: lines.length,
      async read(index) {
        const { start, end, line } = lines[index]!
        const bytes = Buffer.alloc(end - start)
        await file.read(bytes, 0, bytes.length, start)
        return parseRecord(
          parseJson(bytes.toString('utf8'), `${path}, line ${line}`),
          `${path}, line ${line}`,
        )
      },
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

async function jsonDataset(path: string, imageFolder: string): Promise<ConversationDataset> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => Promise.reject(missing(path, error)))
  const records = parseJson(text, path)
  if (!Array.isArray(records))
    throw new InputError(
      'dataset-invalid',
      `${path} holds no array of conversations. Lines belong into a .jsonl file.`,
      {
        path,
      },
    )
  if (records.length === 0) throw empty(path)
  return {
    path,
    imageFolder,
    length: records.length,
    read: async (index) => parseRecord(records[index], `${path}, record ${index}`),
    close: async () => {},
  }
}

interface Line {
  readonly start: number
  readonly end: number
  /** Counted from 1, blank lines included. */
  readonly line: number
}

/** Where the lines lie that are not blank. */
async function lineOffsets(file: FileHandle): Promise<Line[]> {
  const lines: Line[] = []
  const buffer = Buffer.alloc(scanBytes)
  let [start, line, hasText, position] = [0, 1, false, 0]
  const endLine = (end: number): void => {
    if (hasText) lines.push({ start, end, line })
    start = end + 1
    line++
    hasText = false
  }
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, scanBytes, position)
    if (bytesRead === 0) break
    for (let i = 0; i < bytesRead; i++) {
      const byte = buffer[i]!
      if (byte === 0x0a) endLine(position + i)
      else if (byte > 0x20) hasText = true
    }
    position += bytesRead
  }
  endLine(position)
  return lines
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new InputError(
      'dataset-invalid',
      `${where} is no JSON (${(error as Error).message}).`,
      { where },
      error,
    )
  }
}

function missing(path: string, cause: unknown): InputError {
  return new InputError(
    'dataset-missing',
    `${path} cannot be read. Check the path of the dataset.`,
    { path },
    cause,
  )
}

function empty(path: string): InputError {
  return new InputError('dataset-empty', `${path} has no conversations.`, { path })
}
