import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { type Connection, get, throwIfAborted, withRetries } from './connection.ts'
import type { HubFile } from './listing.ts'

/** One file's way from an address to a blob. */
export interface Transfer {
  readonly file: HubFile
  readonly commit: string
  readonly url: string
  /** Where the finished content goes. */
  readonly blob: string
  /** Where it grows until then; what an earlier run left there is continued. */
  readonly partial: string
  /** Called with the bytes on disk so far, which fall to 0 when the content has to be fetched anew. */
  onBytes(bytes: number): void
  /** Called when what had arrived does not have the checksum and is fetched once more from the start. */
  onRestart(reason: string): void
}

/**
 * Downloads a file into its blob: goes on after the bytes that an earlier run left, checks the checksum over
 * all of them, and only then moves the file to its name. A wrong checksum is given one fresh try, because a
 * partial file may have lost its end with the power; what is wrong twice is deleted.
 * @throws CheckpointError `hub-checksum`, `hub-file-changed`, `disk-full`, and those of `get` and
 * `withRetries`
 */
export async function transfer(connection: Connection, t: Transfer): Promise<void> {
  await makeFolder(dirname(t.blob))
  for (let isFresh = false; ; isFresh = true) {
    const found = await fillPartial(connection, t)
    if (found === t.file.digest) break
    // Removed, not shortened: whoever may still hold it open does not reach the next one.
    await unlink(t.partial).catch(() => undefined)
    if (isFresh) throw badChecksum(connection, t, found)
    t.onRestart(`checksum ${found} instead of ${t.file.digest}`)
  }
  await rename(t.partial, t.blob).catch(async (error: unknown) => {
    const entry = await stat(t.blob).catch(() => undefined)
    if (entry?.size !== t.file.sizeBytes) throw error // else another process was first
  })
}

/** Whether the content of a file on disk has its checksum. */
export async function hasDigest(path: string, file: HubFile): Promise<boolean> {
  const hash = startHash(file)
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk)
  return hash.digest('hex') === file.digest
}

/** SHA-256 for large-file storage; git's blob SHA-1, which begins with a header, for the rest. */
function startHash(file: HubFile): Hash {
  if (file.digest.length === 64) return createHash('sha256')
  return createHash('sha1').update(`blob ${file.sizeBytes}\0`)
}

/** Brings the partial file to its full size; gives the checksum of what it then holds. */
async function fillPartial(connection: Connection, t: Transfer): Promise<string> {
  const { sizeBytes, path } = t.file
  let handle = await openPartial(t)
  try {
    let hash = startHash(t.file)
    let offset = await hashPresent(handle, hash, sizeBytes, connection.signal)
    t.onBytes(offset)

    const attempt = async (): Promise<void> => {
      const stall = new AbortController()
      const timer = setTimeout(() => stall.abort(), connection.stallTimeoutMs)
      const signals = connection.signal ? [connection.signal, stall.signal] : [stall.signal]
      try {
        const response = await requestFrom(connection, t, offset, AbortSignal.any(signals))
        if (offset > 0 && !continues(response, offset)) {
          await handle.close()
          await unlink(t.partial)
          handle = await openPartial(t)
          hash = startHash(t.file)
          offset = 0
          t.onBytes(0)
        }
        if (response.status === 416) throw new TypeError('terminated: range refused')
        for await (const chunk of response.body ?? []) {
          timer.refresh()
          if (offset + chunk.byteLength > sizeBytes) throw tooLong(connection, t)
          const writing = writeAll(handle, chunk, offset, t)
          hash.update(chunk) // on this thread while the bytes go to disk on another
          await writing
          offset += chunk.byteLength
          t.onBytes(offset)
        }
        if (offset < sizeBytes) throw new TypeError('terminated: the connection ended early')
      } finally {
        clearTimeout(timer)
      }
    }
    if (offset < sizeBytes) await withRetries(connection, path, attempt, () => offset)
    await handle.sync()
    return hash.digest('hex')
  } finally {
    await handle.close()
  }
}

async function requestFrom(
  connection: Connection,
  t: Transfer,
  offset: number,
  signal: AbortSignal,
): Promise<Response> {
  // Compressed answers have no byte ranges and another length.
  const headers = { 'accept-encoding': 'identity', ...(offset > 0 && { range: `bytes=${offset}-` }) }
  const { first, last } = await get(connection, t.url, headers, signal)
  const digest = first.headers.get('x-linked-etag')?.replace(/^(W\/)?"|"$/g, '')
  const commit = first.headers.get('x-repo-commit')
  if ((digest && digest !== t.file.digest) || (commit && commit !== t.commit)) {
    await last.body?.cancel()
    throw new CheckpointError(
      'hub-file-changed',
      `${t.file.path} is listed with the checksum ${t.file.digest} at ${t.commit}, but the server now ` +
        `offers ${digest ?? 'it'} at ${commit ?? 'that commit'}. Pull again.`,
      { path: t.file.path, listed: t.file.digest, offered: digest, commit },
    )
  }
  return last
}

function continues(response: Response, offset: number): boolean {
  return (
    response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${offset}-`) === true
  )
}

/** Opened for writing at given places, not for appending: see the note on two holders in lock.ts. */
async function openPartial(t: Transfer): Promise<FileHandle> {
  return open(t.partial, 'r+').catch(() => open(t.partial, 'w+'))
}

/**
 * Takes the bytes that are there into the hash; gives how many. A file longer than it should be counts as
 * empty.
 */
async function hashPresent(
  handle: FileHandle,
  hash: Hash,
  sizeBytes: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const present = (await handle.stat()).size
  if (present > sizeBytes) await handle.truncate(0)
  if (present === 0 || present > sizeBytes) return 0
  const buffer = Buffer.allocUnsafe(2 ** 20)
  let offset = 0
  while (offset < present) {
    throwIfAborted(signal)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
    if (bytesRead === 0) break
    hash.update(buffer.subarray(0, bytesRead))
    offset += bytesRead
  }
  return offset
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, position: number, t: Transfer): Promise<void> {
  try {
    let written = 0
    while (written < chunk.byteLength) {
      const left = chunk.byteLength - written
      written += (await handle.write(chunk, written, left, position + written)).bytesWritten
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
    throw new CheckpointError(
      'disk-full',
      `The disk of ${dirname(t.blob)} is full after ${position} of the ${t.file.sizeBytes} bytes ` +
        `of ${t.file.path}. ` +
        'What had arrived is kept: free some space, or set HF_HUB_CACHE to a larger disk, and pull again.',
      { path: t.file.path, folder: dirname(t.blob), writtenBytes: position, sizeBytes: t.file.sizeBytes },
      error,
    )
  }
}

function badChecksum(connection: Connection, t: Transfer, found: string): CheckpointError {
  return new CheckpointError(
    'hub-checksum',
    `${t.file.path} arrived twice with the checksum ${found} instead of ${t.file.digest}; it was deleted. ` +
      `Something between here and ${connection.endpoint} (a proxy, a mirror) changes it: pull without it.`,
    { path: t.file.path, found, expected: t.file.digest, sizeBytes: t.file.sizeBytes },
  )
}

function tooLong(connection: Connection, t: Transfer): CheckpointError {
  return new CheckpointError(
    'hub-file-changed',
    `${t.file.path} is listed with ${t.file.sizeBytes} bytes but ${connection.endpoint} sends more. Pull ` +
      'again; if it stays, check HF_ENDPOINT and the proxy.',
    { path: t.file.path, sizeBytes: t.file.sizeBytes },
  )
}
