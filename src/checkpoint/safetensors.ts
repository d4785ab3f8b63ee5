import { type DType, sizeOf, viewBytes } from '../tensor/dtype.ts'
import { CheckpointError, type ErrorData } from '../tensor/errors.ts'
import type { WeightEntry } from './checkpoint.ts'
import type { FileSource } from './files.ts'
import { topLevelKeys } from './json-keys.ts'

/** The reference implementation's bound on the header, which keeps a hostile length from filling memory. */
export const headerLimitBytes = 100_000_000

/** Element types by the names that safetensors headers give them. */
export const dtypeOfName: ReadonlyMap<string, DType> = new Map<string, DType>([
  ['F64', 'f64'],
  ['F32', 'f32'],
  ['F16', 'f16'],
  ['BF16', 'bf16'],
  ['I64', 'i64'],
  ['I32', 'i32'],
  ['I16', 'i16'],
  ['I8', 'i8'],
  ['U8', 'u8'],
  ['BOOL', 'bool'],
])

/** Names that the format defines and Panoptes does not read; told apart from damage. */
const otherDtypes = /^(U16|U32|U64|C64|F4|F6_E2M3|F6_E3M2|F8_E5M2|F8_E4M3|F8_E8M0|F8_E4M3FNUZ|F8_E5M2FNUZ)$/

interface HeaderTensor {
  readonly key: string
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

/**
 * The tensors of a safetensors file in the order of their bytes; only the header is read, and checked whole,
 * as the reference implementation in Rust checks it.
 * @throws CheckpointError `safetensors-header` when it is damaged, `safetensors-size` when the file is cut
 * short or too long, `dtype-unsupported` for element types that Panoptes does not read.
 */
export async function readSafetensors(source: FileSource, path: string): Promise<WeightEntry[]> {
  const sizeBytes = await source.size(path)
  const fail: Fail = (code, found, data) => {
    throw new CheckpointError(code, `${path} in ${source.name}: ${found}`, {
      file: path,
      source: source.name,
      ...data,
    })
  }
  if (sizeBytes < 8)
    return fail(
      'safetensors-size',
      `a safetensors file begins with 8 bytes of length, but this has ${sizeBytes}.`,
      {
        sizeBytes,
      },
    )
  const first = await source.readRange(path, 0, Math.min(sizeBytes, 64))
  const lengthBytes = new DataView(first.buffer, first.byteOffset, 8)
  const headerBytes = Number(lengthBytes.getBigUint64(0, true))
  if (new TextDecoder('latin1').decode(first).startsWith('version https://git-lfs'))
    return fail(
      'safetensors-header',
      'this is a Git LFS pointer, not the weights. Run "git lfs pull" there.',
      {},
    )
  if (headerBytes > headerLimitBytes)
    return fail(
      'safetensors-header',
      `its first 8 bytes announce a header of ${headerBytes} bytes, above the format's ${headerLimitBytes}. ` +
        `It is probably not a safetensors file.`,
      { headerBytes, limit: headerLimitBytes },
    )
  if (8 + headerBytes > sizeBytes)
    return fail(
      'safetensors-size',
      `its header needs ${headerBytes} bytes, but the file has only ${sizeBytes}. ` +
        `Its download was probably cut short: delete the file and pull it again.`,
      { headerBytes, sizeBytes },
    )
  const text = await source.readRange(path, 8, headerBytes)
  const tensors = parseHeader(text, fail)
  checkLayout(tensors, sizeBytes - 8 - headerBytes, fail)
  return tensors.map((tensor) => entryOf(source, path, tensor, 8 + headerBytes))
}

type Fail = (code: string, found: string, data: ErrorData) => never

/** Every tensor of the header, sorted by its place in the file. */
function parseHeader(bytes: Uint8Array, fail: Fail): HeaderTensor[] {
  let text: string
  let header: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    header = JSON.parse(text)
  } catch (cause) {
    return fail('safetensors-header', `its header is not JSON (${(cause as Error).message}).`, {})
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    return fail('safetensors-header', 'its header is JSON, but not an object.', {})
  const seen = new Set<string>()
  for (const key of topLevelKeys(text)) {
    if (seen.has(key)) return fail('safetensors-header', `its header names ${key} twice.`, { key })
    seen.add(key)
  }
  const tensors: HeaderTensor[] = []
  for (const [key, value] of Object.entries(header as Record<string, unknown>))
    if (key === '__metadata__') checkMetadata(value, fail)
    else tensors.push(parseTensor(key, value, fail))
  return tensors.sort((a, b) => a.begin - b.begin || a.end - b.end)
}

function checkMetadata(value: unknown, fail: Fail): void {
  const isTextMap =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === 'string')
  if (!isTextMap) fail('safetensors-header', 'its __metadata__ is not an object of strings.', {})
}

function parseTensor(key: string, value: unknown, fail: Fail): HeaderTensor {
  const { dtype: name, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>
  const dtype = typeof name === 'string' ? dtypeOfName.get(name) : undefined
  if (!dtype) {
    const known = [...dtypeOfName.keys()].join(', ')
    if (typeof name === 'string' && otherDtypes.test(name))
      return fail(
        'dtype-unsupported',
        `${key} is stored as ${name}, which Panoptes does not read (it reads ${known}). ` +
          `Take the unquantised checkpoint, or convert this one to BF16.`,
        { key, dtype: name },
      )
    return fail('safetensors-header', `${key} has dtype ${JSON.stringify(name)}; known are ${known}.`, {
      key,
      dtype: name,
    })
  }
  if (!isSizes(shape))
    return fail('safetensors-header', `${key} has shape ${JSON.stringify(shape)}, not a list of sizes.`, {
      key,
      shape,
    })
  if (!isSizes(offsets) || offsets.length !== 2)
    return fail(
      'safetensors-header',
      `${key} has data_offsets ${JSON.stringify(offsets)}, not a begin and an end.`,
      { key, offsets },
    )
  const [begin, end] = offsets as [number, number]
  const needed = shape.reduce((product, size) => product * size, sizeOf(dtype))
  if (!Number.isSafeInteger(needed) || end - begin !== needed)
    return fail(
      'safetensors-header',
      `${key} of ${name} [${shape.join(', ')}] needs ${needed} bytes, but its offsets ${begin} to ${end} ` +
        `hold ${end - begin}.`,
      { key, dtype: name, shape, offsets },
    )
  return { key, dtype, shape, begin, end }
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)
}

/** Every byte after the header belongs to exactly one tensor. */
function checkLayout(tensors: readonly HeaderTensor[], dataBytes: number, fail: Fail): void {
  let covered = 0
  let previous = 'the header'
  for (const { key, begin, end } of tensors) {
    if (begin !== covered)
      fail(
        'safetensors-header',
        begin < covered
          ? `${key} begins at ${begin}, inside ${previous}, which ends at ${covered}.`
          : `there is a hole of ${begin - covered} bytes between ${previous} and ${key}.`,
        { key, previous, begin, covered },
      )
    covered = end
    previous = key
  }
  if (covered !== dataBytes)
    fail(
      'safetensors-size',
      `its tensors need ${covered} bytes after the header, but the file has ${dataBytes}. ` +
        (covered > dataBytes
          ? 'Its download was probably cut short: delete the file and pull it again.'
          : 'It was not written by a safetensors writer as it stands: save it again.'),
      { expected: covered, found: dataBytes },
    )
}

function entryOf(source: FileSource, path: string, tensor: HeaderTensor, dataOffset: number): WeightEntry {
  const { key, dtype, shape } = tensor
  const offset = dataOffset + tensor.begin
  const length = tensor.end - tensor.begin
  const isMappable = length > 0 && offset % sizeOf(dtype) === 0
  return {
    key,
    dtype,
    shape,
    ...(isMappable && { place: { source, path, offset, length } }),
    read: async () => ({
      dtype,
      shape,
      data: viewBytes(dtype, await source.readRange(path, offset, length)),
    }),
  }
}
