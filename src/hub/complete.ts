import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileSize, isRecord, type ModelFolders, readTree } from './cache.ts'
import { selectFiles } from './select.ts'

/** What a snapshot has and lacks. */
export interface SnapshotState {
  /** Paths whose content is there. */
  readonly files: readonly string[]
  /** Paths that a loader will want and that are not there, or not whole. */
  readonly missing: readonly string[]
  readonly sizeBytes: number
}

const indexBytesAtMost = 64 * 2 ** 20

/**
 * Which files of a snapshot are missing. The commit's listing says so, by the rule of what to download; for a
 * snapshot that older tools made without one: links that lead nowhere, and shards that a weight index names.
 */
export async function missingFiles(folders: ModelFolders, commit: string): Promise<SnapshotState> {
  const snapshot = join(folders.snapshots, commit)
  const sizes = new Map<string, number | undefined>()
  for (const path of await pathsUnder(snapshot)) sizes.set(path, await fileSize(join(snapshot, path)))
  const files = [...sizes.keys()].filter((path) => sizes.get(path) !== undefined)
  const sizeBytes = files.reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0)

  const tree = await readTree(folders, commit)
  if (tree) {
    const missing = selectFiles([...tree.keys()]).filter((path) => sizes.get(path) !== tree.get(path))
    return { files, missing, sizeBytes }
  }
  const wanted = new Set([...sizes.keys()].filter((path) => sizes.get(path) === undefined))
  for (const path of files.filter((name) => name.endsWith('.index.json'))) {
    for (const shard of await shardsOf(join(snapshot, path))) {
      const inFolder = path.includes('/') ? `${path.slice(0, path.lastIndexOf('/'))}/${shard}` : shard
      if (sizes.get(inFolder) === undefined) wanted.add(inFolder)
    }
  }
  if (files.length === 0) wanted.add('config.json')
  return { files, missing: [...wanted], sizeBytes }
}

/** Every path under a folder that is not a folder itself, links that lead nowhere included. */
async function pathsUnder(folder: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true }).catch(() => [])
  const paths = entries.map(async (entry) =>
    entry.isDirectory() ? pathsUnder(folder, `${prefix}${entry.name}/`) : [`${prefix}${entry.name}`],
  )
  return (await Promise.all(paths)).flat().sort()
}

async function shardsOf(indexPath: string): Promise<string[]> {
  if (((await fileSize(indexPath)) ?? 0) > indexBytesAtMost) return []
  try {
    const index: unknown = JSON.parse(await readFile(indexPath, 'utf8'))
    if (!isRecord(index) || !isRecord(index.weight_map)) return []
    const shards = Object.values(index.weight_map).filter((name) => typeof name === 'string')
    return [...new Set(shards)]
  } catch {
    return [] // whoever loads the model will say what is wrong with its index
  }
}
