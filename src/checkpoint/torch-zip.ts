import { CheckpointError } from '../tensor/errors.ts'
import type { FileSource } from './files.ts'

/** A file inside a zip archive, as the archive's directory describes it. */
export interface ZipEntry {
  readonly name: string
  /** Whether the bytes lie in the archive as they are; otherwise they are deflated. */
  readonly isStored: boolean
  readonly storedBytes: number
  readonly sizeBytes: number
  /** Where its local header begins; its bytes follow that header. */
  readonly headerOffset: number
}

/** A zip archive, of which only the directory has been read. */
export interface ZipArchive {
  readonly source: FileSource
  readonly path: string
  readonly entries: ReadonlyMap<string, ZipEntry>
}

/** The end record and the longest comment that may follow it. */
const endBytes = 22 + 65535
/** A directory of a million files; torch writes one per tensor. */
const directoryLimitBytes = 128 * 2 ** 20
/** What a 32-bit field holds when its value is in the zip64 field instead. */
const isIn64 = 0xffffffff

/**
 * The directory of a zip archive, zip64 included, read from the end of the file.
 * @throws CheckpointError `zip-damaged`, also for archives that are encrypted or use another compression
 * than deflate.
 */
export async function openZip(source: FileSource, path: string): Promise<ZipArchive> {
  const sizeBytes = await source.size(path)
  const tailAt = Math.max(0, sizeBytes - endBytes)
  const tail = viewOf(await source.readRange(path, tailAt, sizeBytes - tailAt))
  let end = tail.byteLength - 22
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end--
  if (end < 0) throw zipDamaged(source, path, 'it has no end record; its download was probably cut short')
  let length = tail.getUint32(end + 12, true)
  let offset = tail.getUint32(end + 16, true)
  if (end >= 20 && tail.getUint32(end - 20, true) === 0x07064b50) {
    const recordAt = Number(tail.getBigUint64(end - 12, true))
    const record = viewOf(await readInside(source, path, sizeBytes, recordAt, 56))
    if (record.getUint32(0, true) !== 0x06064b50)
      throw zipDamaged(source, path, 'its zip64 record is misplaced')
    length = Number(record.getBigUint64(40, true))
    offset = Number(record.getBigUint64(48, true))
  }
  if (length > directoryLimitBytes) throw zipDamaged(source, path, `its directory claims ${length} bytes`)
  const directory = await readInside(source, path, sizeBytes, offset, length)
  try {
    return { source, path, entries: parseDirectory(directory, (found) => zipDamaged(source, path, found)) }
  } catch (cause) {
    if (cause instanceof RangeError) throw zipDamaged(source, path, 'its directory is cut short')
    throw cause
  }
}

/** Where a stored entry's bytes begin in the archive. */
export async function dataOffset({ source, path }: ZipArchive, entry: ZipEntry): Promise<number> {
  const sizeBytes = await source.size(path)
  const header = viewOf(await readInside(source, path, sizeBytes, entry.headerOffset, 30))
  if (header.getUint32(0, true) !== 0x04034b50)
    throw zipDamaged(source, path, `the header of ${entry.name} is not where its directory says`)
  const offset = entry.headerOffset + 30 + header.getUint16(26, true) + header.getUint16(28, true)
  if (offset + entry.storedBytes > sizeBytes)
    throw zipDamaged(source, path, `${entry.name} lies beyond its end`)
  return offset
}

/** An entry's bytes, inflated when they are deflated. */
export async function readEntry(archive: ZipArchive, entry: ZipEntry): Promise<Uint8Array> {
  const offset = await dataOffset(archive, entry)
  const stored = await archive.source.readRange(archive.path, offset, entry.storedBytes)
  return entry.isStored ? stored : inflate(archive, entry, stored)
}

/** Never more than the directory announces, whatever the compressed bytes would grow to. */
async function inflate(archive: ZipArchive, entry: ZipEntry, deflated: Uint8Array): Promise<Uint8Array> {
  const fail = (found: string) => zipDamaged(archive.source, archive.path, `${entry.name} ${found}`)
  const chunks: Uint8Array[] = []
  let done = 0
  try {
    const input = new Blob([deflated as Uint8Array<ArrayBuffer>]).stream()
    for await (const chunk of input.pipeThrough(new DecompressionStream('deflate-raw'))) {
      done += chunk.byteLength
      if (done > entry.sizeBytes) throw fail(`is longer than the ${entry.sizeBytes} bytes announced`)
      chunks.push(chunk)
    }
  } catch (cause) {
    throw cause instanceof CheckpointError ? cause : fail('cannot be inflated')
  }
  if (done !== entry.sizeBytes) throw fail(`has ${done} bytes instead of ${entry.sizeBytes}`)
  const bytes = new Uint8Array(done)
  done = 0
  for (const chunk of chunks) {
    bytes.set(chunk, done)
    done += chunk.byteLength
  }
  return bytes
}

function parseDirectory(
  bytes: Uint8Array,
  damage: (found: string) => CheckpointError,
): Map<string, ZipEntry> {
  const view = viewOf(bytes)
  const entries = new Map<string, ZipEntry>()
  for (let at = 0; at < bytes.byteLength; ) {
    if (view.getUint32(at, true) !== 0x02014b50) throw damage('its directory is garbled')
    const nameBytes = view.getUint16(at + 28, true)
    const extraBytes = view.getUint16(at + 30, true)
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameBytes))
    const method = view.getUint16(at + 10, true)
    if (view.getUint16(at + 8, true) & 1) throw damage(`${name} is encrypted`)
    if (method !== 0 && method !== 8) throw damage(`${name} uses compression method ${method}, not deflate`)
    if (entries.has(name)) throw damage(`its directory names ${name} twice`)
    const extra = zip64Values(view, at + 46 + nameBytes, extraBytes)
    const wide = (field: number) => {
      const value = view.getUint32(at + field, true)
      return value === isIn64 ? extra() : value
    }
    const sizeBytes = wide(24) // the zip64 field holds only those values that overflow, in this order
    const storedBytes = wide(20)
    const headerOffset = wide(42)
    if (method === 0 && sizeBytes !== storedBytes) throw damage(`${name} is stored with two different sizes`)
    entries.set(name, { name, isStored: method === 0, sizeBytes, storedBytes, headerOffset })
    at += 46 + nameBytes + extraBytes + view.getUint16(at + 32, true)
  }
  return entries
}

/** Takes the 64-bit values of an entry's zip64 field (id 1) one after the other. */
function zip64Values(view: DataView, start: number, length: number): () => number {
  let at = start
  while (at < start + length && view.getUint16(at, true) !== 1) at += 4 + view.getUint16(at + 2, true)
  at += 4
  return () => {
    if (at + 8 > start + length) throw new RangeError('zip64 field too short')
    at += 8
    return Number(view.getBigUint64(at - 8, true))
  }
}

/** A range that the archive itself names, and that may therefore lie anywhere. */
async function readInside(
  source: FileSource,
  path: string,
  sizeBytes: number,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  if (offset + length > sizeBytes) throw zipDamaged(source, path, `it points to ${offset}, beyond its end`)
  return source.readRange(path, offset, length)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function zipDamaged(source: FileSource, path: string, found: string): CheckpointError {
  return new CheckpointError(
    'zip-damaged',
    `${path} in ${source.name} is a damaged PyTorch archive: ${found}. Delete the file and pull it again.`,
    { source: source.name, file: path, found },
  )
}
