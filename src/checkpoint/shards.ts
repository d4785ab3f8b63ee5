import { CheckpointError } from '../tensor/errors.ts'
import type { WeightEntry } from './checkpoint.ts'
import type { FileSource } from './files.ts'

/** Reads the entries of one weight file. */
export type WeightReader = (source: FileSource, path: string) => Promise<WeightEntry[]>

/**
 * The weights of a sharded checkpoint by its index (`{ weight_map: { key: shard } }`), in the index's order.
 * @throws CheckpointError `index-damaged`, `shard-missing`, or `index-disagrees` when a shard's own header
 * says otherwise than the index.
 */
export async function readShards(
  source: FileSource,
  indexPath: string,
  read: WeightReader,
): Promise<WeightEntry[]> {
  const shardOf = await readIndex(source, indexPath)
  const keysOf = new Map<string, string[]>()
  for (const [key, shard] of shardOf) {
    const keys = keysOf.get(shard)
    if (keys) keys.push(key)
    else keysOf.set(shard, [key])
  }
  await requireShards(source, indexPath, keysOf)
  const entries = new Map<string, WeightEntry>()
  for (const [shard, keys] of keysOf) {
    const found = await read(source, shard)
    const names = new Set(found.map(({ key }) => key))
    const absent = keys.filter((key) => !names.has(key))
    const unlisted = found.filter(({ key }) => shardOf.get(key) !== shard).map(({ key }) => key)
    if (absent.length > 0 || unlisted.length > 0)
      throw disagreement(source, indexPath, shard, absent, unlisted)
    for (const entry of found) entries.set(entry.key, entry)
  }
  return [...shardOf.keys()].map((key) => entries.get(key)!)
}

async function readIndex(source: FileSource, path: string): Promise<Map<string, string>> {
  let index: unknown
  try {
    index = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await source.read(path)))
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause
    throw damaged(source, path, `it is not JSON (${(cause as Error).message})`)
  }
  const map =
    typeof index === 'object' && index !== null && 'weight_map' in index ? index.weight_map : undefined
  if (typeof map !== 'object' || map === null) throw damaged(source, path, 'it has no "weight_map"')
  const entries = Object.entries(map as Record<string, unknown>)
  for (const [key, shard] of entries)
    if (typeof shard !== 'string') throw damaged(source, path, `the shard of ${key} is not a file's name`)
  return new Map(entries as [string, string][])
}

function damaged(source: FileSource, path: string, found: string): CheckpointError {
  return new CheckpointError(
    'index-damaged',
    `${path} in ${source.name} cannot be used: ${found}. Pull the file again.`,
    { source: source.name, file: path, found },
  )
}

async function requireShards(
  source: FileSource,
  indexPath: string,
  keysOf: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const missing: { shard: string; keys: number }[] = []
  for (const [shard, keys] of keysOf)
    if (!(await source.has(shard))) missing.push({ shard, keys: keys.length })
  if (missing.length === 0) return
  const list = missing.map(({ shard, keys }) => `${shard} (${keys} weights)`).join(', ')
  throw new CheckpointError(
    'shard-missing',
    `${source.name} lacks ${missing.length} of the ${keysOf.size} shards that ${indexPath} names: ${list}. ` +
      `Pull the model again; finished files are not fetched twice.`,
    { source: source.name, index: indexPath, missing, shards: keysOf.size },
  )
}

function disagreement(
  source: FileSource,
  indexPath: string,
  shard: string,
  absent: readonly string[],
  unlisted: readonly string[],
): CheckpointError {
  const parts: string[] = []
  if (absent.length > 0) parts.push(`it lacks ${absent.length} weights listed for it, such as ${absent[0]}`)
  if (unlisted.length > 0) parts.push(`it has ${unlisted.length} not listed for it, such as ${unlisted[0]}`)
  return new CheckpointError(
    'index-disagrees',
    `${indexPath} and ${shard} in ${source.name} are not of one checkpoint: ${parts.join('; ')}. ` +
      `Files of two revisions were probably mixed: pull the model again into an empty folder.`,
    {
      source: source.name,
      index: indexPath,
      shard,
      absent: absent.slice(0, 100),
      unlisted: unlisted.slice(0, 100),
    },
  )
}
