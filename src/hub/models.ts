import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileSize, isRecord, type ModelFolders, modelFolders, namesIn } from './cache.ts'
import { missingFiles } from './complete.ts'
import { type HubOptions, hubSettings } from './settings.ts'

/** One commit of a model in the cache. */
export interface CachedRevision {
  readonly commit: string
  /** The branches and tags that stood for it when they were pulled. */
  readonly refs: readonly string[]
  readonly folder: string
  readonly sizeBytes: number
  readonly files: number
  readonly isComplete: boolean
  /** What a loader will want and will not find; `panoptes pull` brings it. */
  readonly missing: readonly string[]
}

/** A model in the cache. */
export interface CachedModel {
  readonly id: string
  readonly folder: string
  /** The revision of `main` first, then the others by commit. */
  readonly revisions: readonly CachedRevision[]
  /** Bytes on disk: every blob once, unfinished downloads included. */
  readonly sizeBytes: number
  readonly unfinishedBytes: number
  /** `architectures[0]` of config.json, else its `model_type`; undefined where there is none. */
  readonly architecture: string | undefined
  /** When a weight file was last read; when it was downloaded, on disks that do not record reading. */
  readonly lastUsed: Date | undefined
}

/**
 * Every model in the cache, by id. The scan is ours: `scanCacheDir` of @huggingface/hub 2.17 looks into no
 * sub-folder of a snapshot, leaves out a model that was pulled by its commit (it has no refs folder) or that
 * has a link without its blob, and does not know what is missing.
 */
export async function listModels(options: HubOptions = {}): Promise<CachedModel[]> {
  const { cacheDir } = hubSettings(options)
  const models: CachedModel[] = []
  for (const name of await namesIn(cacheDir)) {
    if (!name.startsWith('models--')) continue
    const id = name.slice('models--'.length).replaceAll('--', '/')
    const model = await describe(modelFolders(cacheDir, id), id)
    if (model) models.push(model)
  }
  return models
}

async function describe(folders: ModelFolders, id: string): Promise<CachedModel | undefined> {
  const blobs = await blobsOf(folders)
  const refs = await refsOf(folders)
  const revisions: CachedRevision[] = []
  for (const commit of await namesIn(folders.snapshots)) {
    if (!/^[0-9a-f]{40}$/.test(commit)) continue
    const { files, missing, sizeBytes } = await missingFiles(folders, commit)
    const names = [...refs].filter(([, target]) => target === commit).map(([ref]) => ref)
    revisions.push({
      commit,
      refs: names,
      folder: join(folders.snapshots, commit),
      sizeBytes,
      files: files.length,
      isComplete: missing.length === 0,
      missing,
    })
  }
  if (revisions.length === 0 && blobs.length === 0) return undefined
  revisions.sort((a, b) => Number(b.refs.includes('main')) - Number(a.refs.includes('main')))
  const newest = revisions[0]
  const finished = blobs.filter((blob) => !blob.isUnfinished)
  // Reading config.json below counts as an access of it, so the largest blob is asked.
  const largest = finished.toSorted((a, b) => b.sizeBytes - a.sizeBytes)[0]
  return {
    id,
    folder: folders.root,
    revisions,
    sizeBytes: blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0),
    unfinishedBytes: blobs.reduce((sum, blob) => sum + (blob.isUnfinished ? blob.sizeBytes : 0), 0),
    architecture: newest && (await architectureOf(join(newest.folder, 'config.json'))),
    lastUsed: largest?.accessed,
  }
}

interface Blob {
  readonly sizeBytes: number
  readonly accessed: Date
  readonly isUnfinished: boolean
}

async function blobsOf(folders: ModelFolders): Promise<Blob[]> {
  const blobs: Blob[] = []
  for (const name of await namesIn(folders.blobs)) {
    const entry = await stat(join(folders.blobs, name)).catch(() => undefined)
    if (!entry?.isFile()) continue
    blobs.push({ sizeBytes: entry.size, accessed: entry.atime, isUnfinished: name.endsWith('.incomplete') })
  }
  return blobs
}

/** The commit of every reference; their names may hold slashes, as `refs/pr/1` does. */
async function refsOf(folders: ModelFolders): Promise<Map<string, string>> {
  const entries = await readdir(folders.refs, { recursive: true, withFileTypes: true }).catch(() => [])
  const refs = new Map<string, string>()
  for (const entry of entries) {
    if (!entry.isFile() || entry.name.endsWith('.tmp')) continue
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(folders.refs.length + 1).replaceAll('\\', '/')
    refs.set(name, (await readFile(path, 'utf8')).trim())
  }
  return refs
}

async function architectureOf(path: string): Promise<string | undefined> {
  const sizeBytes = (await fileSize(path)) ?? 0
  if (sizeBytes === 0 || sizeBytes > 2 ** 22) return undefined
  try {
    const config: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (!isRecord(config)) return undefined
    const first: unknown = Array.isArray(config.architectures) ? config.architectures[0] : undefined
    const name = first ?? config.model_type
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined // a listing shows the model all the same; loading it will say what is wrong
  }
}
