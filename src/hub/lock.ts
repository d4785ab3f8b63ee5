import { randomUUID } from 'node:crypto'
import { link, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { holderText, isOfDeadProcess } from '../checkpoint/process-holder.ts'
import { throwIfAborted } from './connection.ts'

const pollMs = 100
const heartbeatMs = 10_000
const silentTooLongMs = 60_000

/**
 * Runs `work` while holding a lock file that every process on this cache honours. Node has no flock, so the
 * file says who holds it: a holder of this machine that is no longer running (kill -9) loses it at once, one
 * elsewhere after a minute without its heartbeat. Should two ever hold it together, they write the same
 * bytes to the same places and move them into place in one step: work is lost then, not the file.
 */
export async function withLock<T>(
  path: string,
  options: { signal?: AbortSignal | undefined; onWait?: (() => void) | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const mine = holderText()
  await makeFolder(dirname(path))
  let hasWaited = false
  while (!(await take(path, mine))) {
    if (await removeAbandoned(path)) continue
    throwIfAborted(options.signal)
    if (!hasWaited) options.onWait?.()
    hasWaited = true
    await delay(pollMs, undefined, { signal: options.signal }).catch(() => undefined)
  }
  const heartbeat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => undefined)
  }, heartbeatMs)
  heartbeat.unref()
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    if ((await contentOf(path)) === mine) await unlink(path).catch(() => undefined)
  }
}

async function take(path: string, mine: string): Promise<boolean> {
  try {
    await writeFile(path, mine, { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** Removes the lock of a holder that is gone; true when the way may be free. */
async function removeAbandoned(path: string): Promise<boolean> {
  const held = await contentOf(path)
  const entry = await stat(path).catch(() => undefined)
  if (held === undefined || entry === undefined) return true
  const isSilent = Date.now() - entry.mtimeMs > silentTooLongMs
  if (!isSilent && !isOfDeadProcess(held)) return false
  const aside = `${path}.${randomUUID()}`
  await rename(path, aside).catch(() => undefined)
  // Between looking and moving, another may have removed it and taken a new one: that one goes back.
  const moved = await contentOf(aside)
  if (moved !== undefined && moved !== held) await link(aside, path).catch(() => undefined)
  await unlink(aside).catch(() => undefined)
  return true
}

async function contentOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
