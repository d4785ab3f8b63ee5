import { CheckpointError } from '../tensor/errors.ts'
import type { FileSource } from './files.ts'

/** A member of a zip archive, as its directory describes it. */
export interface ZipMember {
  readonly name: string
  /** Stored members lie in the file as they are, so that they can be mapped. */
  readonly isStored: boolean
  readonly compressedBytes: number
  readonly sizeBytes: number
  readonly headerOffset: number
}

interface SourceFile {
  readonly source: FileSource
  readonly path: string
}

/** A zip archive of which only the directory has been read. */
export interface ZipArchive extends SourceFile {
  readonly members: ReadonlyMap<string, ZipMember>
}

const directoryLimitBytes = 64 * 2 ** 20
const endSignature = 0x06054b50
const end64Signature = 0x06064b50
const locator64Signature = 0x07064b50
const directorySignature = 0x02014b50
const localSignature = 0x04034b50

/**
 * The directory of a zip archive, zip64 included. Reads ranges only, because torch archives are many gigabytes;
 * members keep their offsets, so that the engine can map them.
 * Source: PKWARE APPNOTE 6.3.10, sections 4.3.7 to 4.3.16.
 * @throws CheckpointError `zip-damaged`, or `zip-unsupported` for encryption, several disks and rare methods.
 */
export async function openZip(source: FileSource, path: string): Promise<ZipArchive> {
  const file = { source, path }
  const { offset, sizeBytes, count } = await findDirectory(file)
  if (sizeBytes > directoryLimitBytes)
    throw damaged(file, `its directory has ${sizeBytes} bytes, above the limit of ${directoryLimitBytes}`)
  const view = viewOf(await source.readRange(path, offset, sizeBytes))
  const members = new Map<string, ZipMember>()
  let at = 0
  for (let i = 0; i < count; i++) {
    if (at + 46 > view.byteLength || view.getUint32(at, true) !== directorySignature)
      throw damaged(file, `its directory ends after ${i} of ${count} members`)
    const length =
      46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
    if (at + length > view.byteLength) throw damaged(file, `member ${i} of its directory is cut short`)
    const member = readMember(file, new DataView(view.buffer, view.byteOffset + at, length))
    if (members.has(member.name)) throw damaged(file, `it has ${member.name} twice`)
    members.set(member.name, member)
    at += length
  }
  return { source, path, members }
}

/** Where a member's bytes begin in the file; its local header, which has a length of its own, tells. */
export async function memberOffset(file: ZipArchive, member: ZipMember): Promise<number> {
  const header = viewOf(await file.source.readRange(file.path, member.headerOffset, 30))
  if (header.getUint32(0, true) !== localSignature)
    throw damaged(file, `${member.name} is not where its directory says`)
  return member.headerOffset + 30 + header.getUint16(26, true) + header.getUint16(28, true)
}

/**
 * A member's bytes, inflated where it is compressed.
 * @throws CheckpointError `zip-damaged` when it holds more or fewer bytes than the directory says.
 */
export async function readMemberBytes(file: ZipArchive, member: ZipMember): Promise<Uint8Array> {
  const offset = await memberOffset(file, member)
  const bytes = await file.source.readRange(file.path, offset, member.compressedBytes)
  if (member.isStored) return bytes
  const inflated = new Uint8Array(member.sizeBytes)
  let done = 0
  try {
    const stream = new Blob([new Uint8Array(bytes)])
      .stream()
      .pipeThrough(new DecompressionStream('deflate-raw'))
    for await (const chunk of stream) {
      if (done + chunk.byteLength <= member.sizeBytes) inflated.set(chunk, done)
      done += chunk.byteLength
      if (done > member.sizeBytes) break // a bomb: no more memory than was announced
    }
  } catch (cause) {
    throw damaged(file, `${member.name} cannot be inflated`, cause)
  }
  if (done !== member.sizeBytes)
    throw damaged(file, `${member.name} does not inflate to the ${member.sizeBytes} bytes announced`)
  return inflated
}

interface Directory {
  readonly offset: number
  readonly sizeBytes: number
  readonly count: number
}

async function findDirectory(file: SourceFile): Promise<Directory> {
  const { source, path } = file
  const fileBytes = await source.size(path)
  const tailBytes = Math.min(fileBytes, 22 + 0xffff) // the end record may carry a comment of 64 KiB
  const tail = viewOf(await source.readRange(path, fileBytes - tailBytes, tailBytes))
  let at = tailBytes - 22
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === endSignature && tail.getUint16(at + 20, true) === tailBytes - at - 22)
  )
    at--
  if (at < 0) throw damaged(file, 'it has no directory at its end')
  const has64 = at >= 20 && tail.getUint32(at - 20, true) === locator64Signature
  const end = has64
    ? viewOf(await source.readRange(path, wide(file, tail, at - 12), 56))
    : new DataView(tail.buffer, tail.byteOffset + at, 22)
  if (has64 && end.getUint32(0, true) !== end64Signature)
    throw damaged(file, 'its zip64 record is not where its locator says')
  const directory = has64
    ? {
        count: wide(file, end, 32),
        sizeBytes: wide(file, end, 40),
        offset: wide(file, end, 48),
      }
    : { count: end.getUint16(10, true), sizeBytes: end.getUint32(12, true), offset: end.getUint32(16, true) }
  const disk = has64 ? end.getUint32(16, true) : end.getUint16(4, true)
  if (disk !== 0) throw unsupported(file, 'it is one part of several disks')
  return directory
}

function readMember(file: SourceFile, header: DataView): ZipMember {
  const nameBytes = header.getUint16(28, true)
  const name = new TextDecoder().decode(new Uint8Array(header.buffer, header.byteOffset + 46, nameBytes))
  const method = header.getUint16(10, true)
  if (header.getUint16(8, true) & 1) throw unsupported(file, `${name} is encrypted`)
  if (method !== 0 && method !== 8) throw unsupported(file, `${name} is compressed by method ${method}`)
  let sizeBytes = header.getUint32(24, true)
  let compressedBytes = header.getUint32(20, true)
  let headerOffset = header.getUint32(42, true)
  // A field of all ones has its value in the zip64 extra field, which holds just those, in this order.
  let extra = zip64Field(header, 46 + nameBytes, 46 + nameBytes + header.getUint16(30, true))
  const next = (): number => {
    if (extra === undefined || extra + 8 > header.byteLength)
      throw damaged(file, `${name} lacks its zip64 sizes`)
    extra += 8
    return wide(file, header, extra - 8)
  }
  if (sizeBytes === 0xffffffff) sizeBytes = next()
  if (compressedBytes === 0xffffffff) compressedBytes = next()
  if (headerOffset === 0xffffffff) headerOffset = next()
  if (method === 0 && sizeBytes !== compressedBytes)
    throw damaged(file, `${name} is stored, but has ${compressedBytes} bytes for ${sizeBytes}`)
  return { name, isStored: method === 0, compressedBytes, sizeBytes, headerOffset }
}

/** Where the values of the zip64 extra field (id 1) begin. */
function zip64Field(header: DataView, from: number, to: number): number | undefined {
  for (let at = from; at + 4 <= to; at += 4 + header.getUint16(at + 2, true))
    if (header.getUint16(at, true) === 1) return at + 4
  return undefined
}

function wide(file: SourceFile, view: DataView, at: number): number {
  const value = Number(view.getBigUint64(at, true))
  if (!Number.isSafeInteger(value)) throw damaged(file, `it has a size or offset of ${value}`)
  return value
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function damaged(file: SourceFile, found: string, cause?: unknown): CheckpointError {
  return new CheckpointError(
    'zip-damaged',
    `${file.path} in ${file.source.name} is not a whole zip archive: ${found}. ` +
      'Its download was probably cut short: delete the file and pull it again.',
    { source: file.source.name, file: file.path, found },
    cause,
  )
}

function unsupported(file: SourceFile, found: string): CheckpointError {
  return new CheckpointError(
    'zip-unsupported',
    `${file.path} in ${file.source.name} is not an archive that torch.save writes: ${found}. Convert it to safetensors.`,
    { source: file.source.name, file: file.path, found },
  )
}
