import { randomUUID } from 'node:crypto'
import {
  copyFile,
  link,
  readdir,
  readFile,
  realpath,
  rename,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { makeFolder } from '../checkpoint/make-folder.ts'
import type { HubFile, Listing } from './listing.ts'

/**
 * The folders of one model in the cache that the Hugging Face tools share:
 *
 *     models--org--name/blobs/DIGEST               contents, named by checksum
 *     models--org--name/refs/REVISION              the commit that a branch or tag stood for
 *     models--org--name/snapshots/COMMIT/PATH      links to blobs
 *     models--org--name/trees/COMMIT.json          every file at that commit, sizes and checksums
 */
export interface ModelFolders {
  readonly root: string
  readonly blobs: string
  readonly refs: string
  readonly snapshots: string
  readonly trees: string
  /** Beside the models, where the Python tools keep theirs. */
  readonly locks: string
}

export function modelFolders(cacheDir: string, id: string): ModelFolders {
  const name = `models--${id.replaceAll('/', '--')}`
  const root = join(cacheDir, name)
  return {
    root,
    blobs: join(root, 'blobs'),
    refs: join(root, 'refs'),
    snapshots: join(root, 'snapshots'),
    trees: join(root, 'trees'),
    locks: join(cacheDir, '.locks', name),
  }
}

/** The commit that a revision (branch, tag, commit or the first 7 or more digits of one) has in the cache. */
export async function cachedCommit(folders: ModelFolders, revision: string): Promise<string | undefined> {
  const commit = await readFile(join(folders.refs, revision), 'utf8').catch(() => '')
  if (/^[0-9a-f]{40}$/.test(commit.trim())) return commit.trim()
  if (!/^[0-9a-f]{7,40}$/.test(revision)) return undefined
  const matches = (await namesIn(folders.snapshots)).filter((name) => name.startsWith(revision))
  return matches.length === 1 ? matches[0] : undefined
}

/** The names in a folder, none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort()
}

/** Bytes of the file behind a path, links followed; undefined where there is none. */
export async function fileSize(path: string): Promise<number | undefined> {
  return stat(path).then(
    (entry) => (entry.isFile() ? entry.size : undefined),
    () => undefined,
  )
}

/** Records that `revision` stands for `commit`. A commit needs no record. */
export async function writeRef(folders: ModelFolders, revision: string, commit: string): Promise<void> {
  if (revision !== commit) await replaceFile(join(folders.refs, revision), commit)
}

/**
 * Puts `path` into a snapshot: a relative link to its blob, so that the cache can be moved; where the file
 * system has no symbolic links, a hard link or a copy.
 */
export async function linkIntoSnapshot(folders: ModelFolders, commit: string, file: HubFile): Promise<void> {
  const blob = join(folders.blobs, file.digest)
  const place = join(folders.snapshots, commit, ...file.path.split('/'))
  if (await leadsTo(place, blob)) return
  await makeFolder(dirname(place))
  // Made aside and moved into place: another process never sees the file missing.
  const aside = join(folders.blobs, `${randomUUID()}.link`)
  await symlink(relative(dirname(place), blob), aside)
    .catch(() => link(blob, aside))
    .catch(() => copyFile(blob, aside))
  await rename(aside, place)
}

async function leadsTo(place: string, blob: string): Promise<boolean> {
  const [from, to] = await Promise.all([place, blob].map((path) => realpath(path).catch(() => undefined)))
  return from !== undefined && from === to
}

/** Writes the listing of a commit as huggingface_hub ≥ 1.0 does (`_tree_cache.py`, format 1). */
export async function writeTree(folders: ModelFolders, { commit, files }: Listing): Promise<void> {
  const entries = files.map(({ path, sizeBytes, digest, gitOid }) => {
    const isLarge = digest.length === 64
    const large = isLarge ? { lfs_sha256: digest, lfs_size: sizeBytes } : {}
    return [path, { size: sizeBytes, blob_id: gitOid, ...large }] as const
  })
  const tree = { format_version: 1, files: Object.fromEntries(entries) }
  await replaceFile(join(folders.trees, `${commit}.json`), JSON.stringify(tree, null, 1))
}

/** Path and size of every file at a commit, where the commit's listing is in the cache and readable. */
export async function readTree(
  folders: ModelFolders,
  commit: string,
): Promise<ReadonlyMap<string, number> | undefined> {
  try {
    const tree: unknown = JSON.parse(await readFile(join(folders.trees, `${commit}.json`), 'utf8'))
    if (!isRecord(tree) || tree.format_version !== 1 || !isRecord(tree.files)) return undefined
    const sizes = new Map<string, number>()
    for (const [path, info] of Object.entries(tree.files)) {
      if (!isRecord(info)) return undefined
      sizes.set(path, Number(info.lfs_size ?? info.size))
    }
    return sizes
  } catch {
    return undefined // absent, or of another format: the callers do without
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Writes a file in one step, so that another process reads the old content or the new, never a part. */
async function replaceFile(path: string, content: string): Promise<void> {
  await makeFolder(dirname(path))
  const aside = `${path}.${randomUUID()}.tmp`
  try {
    await writeFile(aside, content)
    await rename(aside, path)
  } catch (error) {
    await unlink(aside).catch(() => undefined)
    throw error
  }
}
