import { statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { CheckpointError, InputError } from '../tensor/errors.ts'
import {
  cachedCommit,
  fileSize,
  linkIntoSnapshot,
  type ModelFolders,
  modelFolders,
  writeRef,
  writeTree,
} from './cache.ts'
import { missingFiles } from './complete.ts'
import type { Connection } from './connection.ts'
import { withinLimit } from './limit.ts'
import type { HubFile, Listing } from './listing.ts'
import { withLock } from './lock.ts'
import { checkRevision, parseModelName } from './names.ts'
import { type Progress, progressMeter } from './progress.ts'
import { type Selection, selectFiles } from './select.ts'
import { type HubOptions, hubSettings } from './settings.ts'
import { hasDigest, transfer } from './transfer.ts'

export interface PullOptions extends HubOptions, Selection {
  /** A branch, tag or commit; `main` by default. */
  revision?: string | undefined
  /** Files that arrive side by side; 4 by default. */
  parallel?: number | undefined
  /** Reads what is in the cache again and replaces what does not have its checksum. */
  verify?: boolean | undefined
  /** Failures in a row that bring no byte, before a file is given up; 5 by default. */
  retries?: number | undefined
  /** The first pause after a failure, doubled up to 30 s; 1000 by default. */
  retryDelayMs?: number | undefined
  /** How long a connection may stay silent before it is made anew; 30 000 by default. */
  stallTimeoutMs?: number | undefined
  signal?: AbortSignal | undefined
  onEvent?: ((event: PullEvent) => void) | undefined
}

export type PullEvent =
  | {
      type: 'listed'
      commit: string
      files: number
      skippedFiles: number
      totalBytes: number
      neededBytes: number
    }
  | Progress
  | { type: 'file-done'; file: string; sizeBytes: number; wasCached: boolean }
  | { type: 'retry'; what: string; attempt: number; delayMs: number; reason: string }
  | { type: 'restart'; file: string; reason: string }
  | { type: 'waiting'; file: string }

export interface PulledModel {
  readonly id: string
  readonly revision: string
  readonly commit: string
  /** The snapshot's folder, for loading. */
  readonly folder: string
  readonly files: readonly string[]
  /** What the rule or the patterns left out. */
  readonly skipped: readonly string[]
  readonly sizeBytes: number
  /** Bytes that came over the network in this run. */
  readonly receivedBytes: number
}

/**
 * Downloads a model (`org/name` or `org/name@revision`) into the cache of the Hugging Face tools and gives
 * its folder. Which files: `selectionRule`, or `include` and `exclude`. May be stopped at any moment, by
 * kill -9 too: the next pull goes on after the bytes on disk. The revision's reference moves to the new
 * commit once every file is there, so a loader never meets half a model. Offline, gives what the cache has.
 * @throws CheckpointError `hub-…`, `disk-full`; InputError `model-id`, `model-revision`; AbortError
 * `aborted`
 */
export async function pullModel(name: string, options: PullOptions = {}): Promise<PulledModel> {
  const { id, revision } = whatToPull(name, options.revision)
  const settings = hubSettings(options)
  const folders = modelFolders(settings.cacheDir, id)
  if (settings.isOffline) return fromCache(folders, id, revision)

  // The first file that fails stops the others, and they are waited for: no lock outlives the call.
  const failure = new AbortController()
  const connection: Connection = {
    ...settings,
    retries: options.retries ?? 5,
    retryDelayMs: options.retryDelayMs ?? 1000,
    stallTimeoutMs: options.stallTimeoutMs ?? 30_000,
    signal: options.signal ? AbortSignal.any([options.signal, failure.signal]) : failure.signal,
    onRetry: (event) => options.onEvent?.({ type: 'retry', ...event }),
  }
  // Loaded here and not above: the hub's client takes 40 ms, and the other functions do without it.
  const { listRepository } = await import('./listing.ts')
  const listing = await listRepository(connection, id, revision)
  const paths = new Set(chosen(id, listing, options))
  const files = listing.files.filter((file) => paths.has(file.path))
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  const neededBytes = await checkSpace(folders, files)
  await writeTree(folders, listing)
  const skippedFiles = listing.files.length - files.length
  options.onEvent?.({
    type: 'listed',
    commit: listing.commit,
    files: files.length,
    skippedFiles,
    totalBytes,
    neededBytes,
  })

  const meter = progressMeter(totalBytes, (progress) => options.onEvent?.(progress))
  // Small files first: what an interrupted pull lacks is then weights, and errors in small files come early.
  const bySize = files.toSorted((a, b) => a.sizeBytes - b.sizeBytes)
  await withinLimit(options.parallel ?? 4, bySize, failure, async (file) => {
    const wasCached = await bringBlob(connection, id, listing.commit, folders, file, meter, options)
    await linkIntoSnapshot(folders, listing.commit, file)
    options.onEvent?.({ type: 'file-done', file: file.path, sizeBytes: file.sizeBytes, wasCached })
  })
  await writeRef(folders, revision, listing.commit)
  return {
    id,
    revision,
    commit: listing.commit,
    folder: join(folders.snapshots, listing.commit),
    files: files.map((file) => file.path),
    skipped: listing.files.filter((file) => !paths.has(file.path)).map((file) => file.path),
    sizeBytes: totalBytes,
    receivedBytes: meter.receivedBytes,
  }
}

function whatToPull(name: string, option: string | undefined): { id: string; revision: string } {
  const { id, revision } = parseModelName(name)
  if (revision !== undefined && option !== undefined && revision !== option) {
    throw new InputError(
      'model-revision',
      `${name} names the revision "${revision}", the option "${option}". Give one of them.`,
      { name, revision: option },
    )
  }
  return { id, revision: revision ?? checkRevision(option ?? 'main') }
}

function chosen(id: string, listing: Listing, selection: Selection): string[] {
  const all = listing.files.map((file) => file.path)
  const paths = selectFiles(all, selection)
  if (paths.length > 0) return paths
  throw new CheckpointError(
    'hub-nothing-selected',
    `None of the ${all.length} files of ${id} was selected ` +
      `(${all.slice(0, 8).join(', ') || 'it is empty'}). ` +
      'Widen include or exclude; without them: safetensors or PyTorch weights, configuration and tokenizer.',
    { id, files: all, include: selection.include, exclude: selection.exclude },
  )
}

/** Makes sure that a file's blob is in the cache; true when it was already. */
async function bringBlob(
  connection: Connection,
  id: string,
  commit: string,
  folders: ModelFolders,
  file: HubFile,
  meter: ReturnType<typeof progressMeter>,
  options: PullOptions,
): Promise<boolean> {
  const blob = join(folders.blobs, file.digest)
  const isThere = async () => (await fileSize(blob)) === file.sizeBytes
  if (options.verify && (await isThere()) && !(await hasDigest(blob, file))) {
    await unlink(blob)
    options.onEvent?.({ type: 'restart', file: file.path, reason: 'the file in the cache is damaged' })
  }
  const count = (bytes: number) => meter.update(file.path, bytes, file.sizeBytes)
  let wasCached = await isThere()
  if (!wasCached) {
    const lock = join(folders.locks, `${file.digest}.panoptes.lock`)
    const onWait = () => options.onEvent?.({ type: 'waiting', file: file.path })
    await withLock(lock, { signal: connection.signal, onWait }, async () => {
      wasCached = await isThere() // another process may have brought it meanwhile
      if (wasCached) return
      const path = file.path.split('/').map(encodeURIComponent).join('/')
      await transfer(connection, {
        file,
        commit,
        url: `${connection.endpoint}/${id}/resolve/${commit}/${path}`,
        blob,
        partial: partialPath(folders, file),
        onBytes: count,
        onRestart: (reason) => options.onEvent?.({ type: 'restart', file: file.path, reason }),
      })
    })
  }
  if (wasCached) count(file.sizeBytes)
  return wasCached
}

/** Not `DIGEST.incomplete`: the Python tools write that one under a lock that Node cannot see. */
function partialPath(folders: ModelFolders, file: HubFile): string {
  return join(folders.blobs, `${file.digest}.panoptes.incomplete`)
}

/**
 * Bytes still to come.
 * @throws CheckpointError `disk-full` when the cache's disk has fewer left, `cache-not-writable`
 */
async function checkSpace(folders: ModelFolders, files: readonly HubFile[]): Promise<number> {
  await makeFolder(folders.blobs).catch((error: unknown) => {
    throw new CheckpointError(
      'cache-not-writable',
      `The cache folder ${folders.blobs} cannot be made ` +
        `(${error instanceof Error ? error.message : error}). ` +
        'Set HF_HUB_CACHE to a folder that you may write to.',
      { folder: folders.blobs },
      error,
    )
  })
  let neededBytes = 0
  const distinct = new Map(files.map((file) => [file.digest, file])) // equal contents share a blob
  for (const file of distinct.values()) {
    if ((await fileSize(join(folders.blobs, file.digest))) === file.sizeBytes) continue
    neededBytes += Math.max(0, file.sizeBytes - ((await fileSize(partialPath(folders, file))) ?? 0))
  }
  const disk = await statfs(folders.blobs).catch(() => undefined) // some file systems do not say
  const freeBytes = disk ? disk.bavail * disk.bsize : Number.POSITIVE_INFINITY
  if (neededBytes <= freeBytes) return neededBytes
  throw new CheckpointError(
    'disk-full',
    `${neededBytes} bytes are still to be downloaded, but ${folders.root} has room for ${freeBytes}. ` +
      'Free some space, or set HF_HUB_CACHE to a larger disk.',
    { neededBytes, freeBytes, folder: folders.root },
  )
}

/** What an offline pull gives: the snapshot, when it is complete. @throws CheckpointError `hub-offline` */
async function fromCache(folders: ModelFolders, id: string, revision: string): Promise<PulledModel> {
  const commit = await cachedCommit(folders, revision)
  const state = commit === undefined ? undefined : await missingFiles(folders, commit)
  if (commit !== undefined && state?.missing.length === 0) {
    const { files, sizeBytes } = state
    const folder = join(folders.snapshots, commit)
    return { id, revision, commit, folder, files, skipped: [], sizeBytes, receivedBytes: 0 }
  }
  const found = state ? `lacks ${state.missing.slice(0, 5).join(', ')}` : 'is not in the cache'
  throw new CheckpointError(
    'hub-offline',
    `${id}@${revision} ${found} (${folders.root}), and HF_HUB_OFFLINE forbids downloading. ` +
      `Unset HF_HUB_OFFLINE and run: panoptes pull ${id}${revision === 'main' ? '' : `@${revision}`}`,
    { id, revision, missing: state?.missing, folder: folders.root },
  )
}
