import { createHash, randomUUID } from 'node:crypto'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { WeightEntry } from '../checkpoint/checkpoint.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { readSafetensors } from '../checkpoint/safetensors.ts'
import type { QuantisedWeight } from '../graph/lower-linears.ts'
import { CheckpointError, EngineError } from '../tensor/errors.ts'
import {
  type QuantisedForm,
  type QuantisedStore,
  quantisedFile,
  quantisedWeight,
  recipeVersion,
} from './quantised-weights.ts'

/** Where Panoptes keeps what it can make again: PANOPTES_CACHE, else XDG_CACHE_HOME/panoptes, else ~/.cache/panoptes. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env.PANOPTES_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'panoptes')
}

/** A file left behind by a process that died is taken for dead after this time. */
const abandonedMs = 3_600_000

/**
 * Quantised weights on disk, a safetensors file a weight, which the engine maps. A file's name says of which bytes it
 * was made (`fingerprint`), so that a changed checkpoint never meets old weights. Files are written beside their place
 * and renamed once they are whole: a crash leaves finished weights to the next run and breaks nothing. Damaged files
 * are made again. Several processes may share the folder.
 * @throws EngineError `cache-unwritable`
 */
export function diskStore(folder: string = join(cacheFolder(), 'weights')): QuantisedStore {
  const made = new Map<string, Promise<QuantisedWeight>>()
  let opened: Promise<FileSource> | undefined
  // One weight at a time is made, since each needs memory for all of it.
  let turn: Promise<unknown> = Promise.resolve()
  const makeInTurn = (make: () => Promise<void>): Promise<void> => {
    const made = turn.then(make)
    turn = made.catch(() => {})
    return made
  }
  return {
    async get(entry, form) {
      opened ??= openFolder(folder)
      const source = await opened
      const name = await fileName(entry, form)
      const known = made.get(name)
      if (known) return known
      const making = readOrMake(source, name, entry, form, () =>
        makeInTurn(() => write(folder, name, quantisedFile(entry, form))),
      )
      made.set(name, making)
      making.catch(() => made.delete(name))
      return making
    },
  }
}

async function readOrMake(
  source: FileSource,
  name: string,
  entry: WeightEntry,
  form: QuantisedForm,
  make: () => Promise<void>,
): Promise<QuantisedWeight> {
  const kept = await read(source, name, entry, form)
  if (kept) return kept
  await make()
  const made = await read(source, name, entry, form)
  if (made) return made
  throw unwritable(source.name, new Error(`${name} is not what was written`))
}

/** A kept weight; undefined when there is none, or the file is damaged or of something else. */
async function read(
  source: FileSource,
  name: string,
  entry: WeightEntry,
  form: QuantisedForm,
): Promise<QuantisedWeight | undefined> {
  try {
    return quantisedWeight(await readSafetensors(source, name), entry, form)
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
async function fileName(entry: WeightEntry, form: QuantisedForm): Promise<string> {
  const key = entry.key.replace(/[^\w.-]/g, '_').slice(-120)
  return `${key}-${form}-${await fingerprint(entry, form)}.safetensors`
}

const sampleBytes = 4096

/**
 * What tells one weight's bytes from another's without reading gigabytes at every load: the recipe, the tensor's
 * header, the size and time of its file and the tensor's first and last 4 KiB. A weight without a place in a file is
 * read whole.
 */
async function fingerprint(entry: WeightEntry, form: QuantisedForm): Promise<string> {
  const hash = createHash('sha256')
  const add = (...parts: readonly unknown[]): unknown => hash.update(JSON.stringify(parts))
  add(recipeVersion, form, entry.key, entry.dtype, entry.shape)
  const { place } = entry
  if (place) {
    const { source, path, offset, length } = place
    const localPath = await source.localPath(path)
    const file = localPath === undefined ? undefined : await stat(localPath)
    add(offset, length, file?.mtimeMs, file?.size ?? (await source.size(path)))
    const sample = Math.min(sampleBytes, length)
    hash.update(await source.readRange(path, offset, sample))
    hash.update(await source.readRange(path, offset + length - sample, sample))
  } else {
    const { buffer, byteOffset, byteLength } = (await entry.read()).data
    hash.update(new Uint8Array(buffer, byteOffset, byteLength))
  }
  return hash.digest('hex').slice(0, 32)
}
