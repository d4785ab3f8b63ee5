import { createHash, type Hash, randomUUID } from 'node:crypto'
import { open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { WeightEntry } from '../checkpoint/checkpoint.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { readSafetensors } from '../checkpoint/safetensors.ts'
import { entryToWrite, safetensorsChunks } from '../checkpoint/write-safetensors.ts'
import type { QuantisedWeight } from '../graph/lower-linears.ts'
import { CheckpointError, EngineError } from '../tensor/errors.ts'
import { cacheLimitBytes, weightFolderOfCache } from './cache-settings.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { keptWeights, pruneWeights } from './prune-weights.ts'
import { type QuantisedStore, quantisedFile, quantisedWeight, recipeVersion } from './quantised-weights.ts'
import { useWeight } from './weight-uses.ts'

/** A file left behind by a process that died is taken for dead after this time. */
const abandonedMs = 3_600_000

/**
 * Quantised and computed weights on disk, a safetensors file a weight, which the engine maps. A file's name says of
 * which bytes it was made (`fingerprint`), so that a changed checkpoint or adapter never meets old weights. Files are
 * written beside their place and renamed once they are whole: a crash leaves finished weights to the next run and breaks
 * nothing. Damaged files are made again. Several processes may share the folder. When what is there takes more than `limitBytes`, the files
 * whose last use is longest ago are removed, of those that no running process uses (`pruneWeights`).
 * @throws EngineError `cache-unwritable`; InputError `option-value` for a PANOPTES_CACHE_GB that is no size
 */
export function diskStore(
  folder: string = weightFolderOfCache(),
  limitBytes: number = cacheLimitBytes(),
): QuantisedStore {
  const quantised = new Map<string, Promise<QuantisedWeight>>()
  const placed = new Map<string, Promise<WeightEntry>>()
  let opened: Promise<FileSource> | undefined
  const makeInTurn = oneAtATime() // each needs memory for all of it
  let keptBytes: number | undefined
  const keepWithin = async (addedBytes: number): Promise<void> => {
    if (keptBytes === undefined) keptBytes = (await keptWeights(folder)).sizeBytes
    else keptBytes += addedBytes
    // A stranger's file that cannot be removed is no reason to lose a weight that is made.
    if (keptBytes > limitBytes)
      keptBytes = (await pruneWeights(folder, limitBytes).catch(() => undefined))?.keptBytes
  }
  async function keep<T>(known: Map<string, Promise<T>>, entry: WeightEntry, file: KeptFile<T>): Promise<T> {
    opened ??= openFolder(folder)
    const source = await opened
    const name = await fileName(entry, file.form)
    const make = async (): Promise<void> => {
      await write(folder, name, file.chunks())
      await keepWithin(await source.size(name))
    }
    const making = known.get(name) ?? readOrMake(source, folder, name, file, () => makeInTurn(make))
    known.set(name, making)
    making.catch(() => known.delete(name))
    return making
  }
  return {
    get: (entry, form) =>
      keep(quantised, entry, {
        form,
        chunks: () => quantisedFile(entry, form),
        weightOf: (entries) => quantisedWeight(entries, entry, form),
      }),
    placed: (entry) =>
      keep(placed, entry, {
        form: entry.dtype,
        chunks: () => safetensorsChunks([entryToWrite(entry)]),
        weightOf: ([only, ...others]) => (others.length === 0 && isAlike(only, entry) ? only : undefined),
      }),
  }
}

/** A weight's file: under which form it is named, what is written, and what its entries make. */
interface KeptFile<T> {
  readonly form: string
  chunks(): AsyncIterable<Uint8Array>
  /** Undefined when the entries are of something else. */
  weightOf(entries: readonly WeightEntry[]): T | undefined
}

function isAlike(found: WeightEntry | undefined, { key, dtype, shape }: WeightEntry): boolean {
  return found?.key === key && found.dtype === dtype && found.shape.join() === shape.join()
}

async function readOrMake<T>(
  source: FileSource,
  folder: string,
  name: string,
  file: KeptFile<T>,
  make: () => Promise<void>,
): Promise<T> {
  // Before it is looked for: whoever removes files sees the use, or this process misses the file and makes it again.
  await useWeight(folder, name).catch((cause: unknown) => {
    throw unwritable(folder, cause)
  })
  const kept = await read(source, name, file)
  if (kept) {
    await noteUse(join(folder, name))
    return kept
  }
  await make()
  const made = await read(source, name, file)
  if (made) return made
  throw unwritable(source.name, new Error(`${name} is not what was written`))
}

/** Uses are told apart to the hour; a folder that is only read keeps the times of its writing. */
const useResolutionMs = 3_600_000

/** Marks a file as used now, in the time of its last change. */
async function noteUse(path: string): Promise<void> {
  const now = Date.now()
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: now }))
  if (now - mtimeMs > useResolutionMs) await utimes(path, now / 1000, now / 1000).catch(() => undefined)
}

/** A kept weight; undefined when there is none, or the file is damaged or of something else. */
async function read<T>(source: FileSource, name: string, file: KeptFile<T>): Promise<T | undefined> {
  try {
    return file.weightOf(await readSafetensors(source, name))
  } catch (error) {
    if (error instanceof CheckpointError) return undefined
    throw error
  }
}

async function write(folder: string, name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = join(folder, `${name}.${randomUUID()}.part`)
  const refuse = (cause: unknown): never => {
    throw unwritable(folder, cause)
  }
  const file = await open(temporary, 'wx').catch(refuse)
  try {
    try {
      for await (const chunk of chunks) await file.writeFile(chunk).catch(refuse)
      await file.datasync().catch(refuse) // a power cut must not leave the name on empty blocks
    } finally {
      await file.close()
    }
    await rename(temporary, join(folder, name)).catch(refuse)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function openFolder(folder: string): Promise<FileSource> {
  try {
    await makeFolder(folder)
    for (const name of await readdir(folder)) {
      if (!name.endsWith('.part')) continue
      const path = join(folder, name)
      const age = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
      if (age > abandonedMs) await rm(path, { force: true })
    }
    return await folderSource(folder)
  } catch (cause) {
    throw unwritable(folder, cause)
  }
}

function unwritable(folder: string, cause: unknown): EngineError {
  return new EngineError(
    'cache-unwritable',
    `Quantised weights cannot be kept in ${folder} (${cause instanceof Error ? cause.message : cause}). ` +
      'Make room there, or set PANOPTES_CACHE to a folder that can be written.',
    { folder },
    cause,
  )
}

/** The weight's key for people, and a fingerprint of the bytes it was made of. */
async function fileName(entry: WeightEntry, form: string): Promise<string> {
  const key = entry.key.replace(/[^\w.-]/g, '_').slice(-120)
  return `${key}-${form}-${await fingerprint(entry, form)}.safetensors`
}

const sampleBytes = 4096

/**
 * What tells one weight's bytes from another's without reading gigabytes at every load: the recipe, the tensor's
 * header, the size and time of its file and the tensor's first and last 4 KiB. A computed weight is known by those of
 * which it is made. Any other without a place in a file is read whole.
 */
async function fingerprint(entry: WeightEntry, form: string): Promise<string> {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([recipeVersion, form, entry.key, entry.dtype, entry.shape]))
  await addValues(hash, entry)
  return hash.digest('hex').slice(0, 32)
}

async function addValues(hash: Hash, entry: WeightEntry): Promise<void> {
  const add = (...parts: readonly unknown[]): unknown => hash.update(JSON.stringify(parts))
  const { place, computed } = entry
  if (computed) {
    add(computed.how)
    for (const part of computed.from) {
      add(part.key, part.dtype, part.shape)
      await addValues(hash, part)
    }
  } else if (place) {
    const { source, path, offset, length } = place
    const localPath = await source.localPath(path)
    const file = localPath === undefined ? undefined : await stat(localPath)
    add(offset, length, file?.mtimeMs, file?.size ?? (await source.size(path)))
    const sample = Math.min(sampleBytes, length)
    const ends = [offset, offset + length - sample].map((at) => source.readRange(path, at, sample))
    for (const end of await Promise.all(ends)) hash.update(end)
  } else {
    const { buffer, byteOffset, byteLength } = (await entry.read()).data
    hash.update(new Uint8Array(buffer, byteOffset, byteLength))
  }
}
