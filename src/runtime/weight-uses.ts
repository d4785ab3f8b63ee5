import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { appendFile, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { holderText, isOfDeadProcess } from '../checkpoint/process-holder.ts'
import { withLock } from '../hub/lock.ts'

/**
 * Which kept weights are in use, beside their folder: a file for each process, which says who it is and then, a line
 * each, the weights that it may open again as long as it runs; and a lock for those who remove weights. A process
 * first writes down its use, then waits for the lock if somebody holds it, then looks for the file. So whoever holds the
 * lock and reads the uses knows all files that were found or will be.
 */
const usesFolder = (folder: string): string => `${folder}.uses`
const lockFile = (folder: string): string => join(usesFolder(folder), 'lock')
const usesEnd = '.uses'

/** A process of another machine is taken for gone when it has been silent for so long. */
const silentTooLongMs = 24 * 3_600_000
const heartbeatMs = 3_600_000

/** What this process says of one folder. */
interface Uses {
  readonly path: Promise<string>
  /** The weights that it names, each once nobody removes it any more. */
  readonly names: Map<string, Promise<void>>
  /** Names that the next writing writes down, so that many weights do not take a writing each. */
  waiting: string[]
  next: Promise<void> | undefined
  /** Ends with the last writing. */
  last: Promise<unknown>
}

const mine = new Map<string, Uses>()

/** Says that this process uses a weight until it ends. @throws the file system's errors */
export function useWeight(folder: string, name: string): Promise<void> {
  const uses = mine.get(folder) ?? usesOf(folder)
  const known = uses.names.get(name)
  if (known) return known
  uses.waiting.push(name)
  uses.next ??= uses.last.then(() => write(folder, uses))
  uses.last = uses.next.catch(() => {})
  uses.names.set(name, uses.next)
  return uses.next
}

function usesOf(folder: string): Uses {
  const path = begin(folder)
  const uses = { path, names: new Map(), waiting: [], next: undefined, last: path.catch(() => {}) }
  mine.set(folder, uses)
  return uses
}

async function write(folder: string, uses: Uses): Promise<void> {
  const lines = uses.waiting.map((name) => `${name}\n`).join('')
  uses.waiting = []
  uses.next = undefined
  try {
    await appendFile(await uses.path, lines)
  } catch (error) {
    mine.delete(folder)
    // A folder that this process may only read is somebody else's to keep: his removals do not wait for it.
    if (['EROFS', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return
    throw error
  }
  const lock = lockFile(folder)
  if (await stat(lock).catch(() => undefined)) await withLock(lock, {}, async () => {})
}

/** This process's files, which go with it. */
const written = new Set<string>()

function removeWritten(): void {
  for (const path of written) rmSync(path, { force: true })
}

async function begin(folder: string): Promise<string> {
  await makeFolder(usesFolder(folder))
  const path = join(usesFolder(folder), `${randomUUID()}${usesEnd}`)
  await writeFile(path, `${holderText()}\n`, { flag: 'wx' })
  if (written.size === 0) process.once('exit', removeWritten)
  written.add(path)
  const heartbeat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => undefined)
  }, heartbeatMs)
  heartbeat.unref()
  return path
}

/** Runs `work` with the weights that running processes use; while it runs no process finds another weight. */
export async function withUsedWeights<T>(
  folder: string,
  work: (used: ReadonlySet<string>) => Promise<T>,
): Promise<T> {
  return withLock(lockFile(folder), {}, async () => work(await usedWeights(folder)))
}

/** The weights that running processes use. Files of processes that are gone are removed. */
export async function usedWeights(folder: string): Promise<Set<string>> {
  const used = new Set<string>()
  for (const file of await readdir(usesFolder(folder)).catch(() => [])) {
    if (!file.endsWith(usesEnd)) continue
    const path = join(usesFolder(folder), file)
    const [text, entry] = await Promise.all([readFile(path, 'utf8'), stat(path)]).catch(() => [])
    if (text === undefined || entry === undefined) continue // its process has just ended
    const [holder = '', ...names] = text.split('\n')
    const isGone = isOfDeadProcess(holder) || Date.now() - entry.mtimeMs > silentTooLongMs
    if (isGone) await rm(path, { force: true })
    else for (const name of names) used.add(name)
  }
  return used
}
