import { allocate, type DType, sizeOf, viewBytes } from '../tensor/dtype.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { elementCount, type HostTensor } from '../tensor/tensor.ts'
import type { WeightEntry } from './checkpoint.ts'
import type { FileSource } from './files.ts'
import { namedTensors } from './torch-names.ts'
import { type TorchTensor, torchWorld } from './torch-objects.ts'
import { dataOffset, openZip, readEntry, type ZipArchive, type ZipEntry } from './torch-zip.ts'
import { unpickle } from './unpickle.ts'

/** The pickle holds names and shapes only; the largest published checkpoints' have a few megabytes. */
const pickleLimitBytes = 64 * 2 ** 20

/**
 * The tensors of a file that `torch.save` wrote, under dotted names. Only the archive's directory and its
 * pickle are read; nothing in it is executed, and whatever is not made of tensors and plain values is refused.
 * @throws CheckpointError `torch-format`, `torch-byte-order`, `torch-storage`, `torch-names`, `pickle-global`,
 * `pickle-damaged`, `zip-damaged`
 */
export async function readTorch(source: FileSource, path: string): Promise<WeightEntry[]> {
  await requireZip(source, path)
  const archive = await openZip(source, path)
  const folder = pickleFolder(archive)
  const pickle = archive.entries.get(`${folder}data.pkl`)!
  if (pickle.sizeBytes > pickleLimitBytes)
    throw torchError(source, path, 'torch-format', `its pickle has ${pickle.sizeBytes} bytes`, {
      sizeBytes: pickle.sizeBytes,
      limit: pickleLimitBytes,
    })
  const order = archive.entries.get(`${folder}byteorder`)
  const orderName =
    order && order.sizeBytes < 16 ? new TextDecoder().decode(await readEntry(archive, order)) : 'little'
  if (orderName.trim() !== 'little')
    throw torchError(
      source,
      path,
      'torch-byte-order',
      `it was saved on a ${orderName.trim()}-endian machine`,
      {
        byteOrder: orderName.trim(),
      },
    )
  const file = `${path} in ${source.name}`
  const tensors = namedTensors(unpickle(await readEntry(archive, pickle), torchWorld(file)), file)
  const offsets = new Map<string, number>()
  const entries: WeightEntry[] = []
  for (const [key, tensor] of tensors) {
    const storage = storageEntry(archive, `${folder}data/${tensor.storage.key}`, key, tensor)
    const offset = offsets.get(storage.name) ?? (await dataOffset(archive, storage))
    offsets.set(storage.name, offset)
    entries.push(entryOf(archive, storage, offset, key, tensor))
  }
  return entries
}

/** Tells what a file without a zip's first bytes is, as far as that can be known. */
async function requireZip(source: FileSource, path: string): Promise<void> {
  const first = await source.readRange(path, 0, Math.min(64, await source.size(path)))
  const text = new TextDecoder('latin1').decode(first)
  if (text.startsWith('PK\x03\x04')) return
  if (text.startsWith('version https://git-lfs'))
    throw torchError(
      source,
      path,
      'torch-format',
      'it is a Git LFS pointer, for "git lfs pull" to replace',
      {},
    )
  // torch's magic number as a pickled integer, which began every file before PyTorch 1.6
  if (text.startsWith('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.'))
    throw torchError(source, path, 'torch-format', 'it is in the format from before PyTorch 1.6', {
      isLegacy: true,
    })
  throw torchError(source, path, 'torch-format', 'it is no zip archive, as torch.save writes them', {})
}

/** The archive's one folder, with its slash; its name is the saved file's. */
function pickleFolder({ source, path, entries }: ZipArchive): string {
  const pickles = [...entries.keys()].filter((name) => /^([^/]*\/)?data\.pkl$/.test(name))
  const folder = pickles[0]?.slice(0, -'data.pkl'.length)
  if (folder === undefined || pickles.length > 1)
    throw torchError(source, path, 'torch-format', `it has ${pickles.length} data.pkl instead of one`, {})
  if (entries.has(`${folder}constants.pkl`))
    throw torchError(source, path, 'torch-format', 'it is a TorchScript program, not a state dict', {})
  return folder
}

function storageEntry(
  { source, path, entries }: ZipArchive,
  name: string,
  key: string,
  tensor: TorchTensor,
): ZipEntry {
  const entry = entries.get(name)
  const found = entry ? `has ${entry.sizeBytes} bytes instead of ${tensor.storage.sizeBytes}` : 'is missing'
  if (entry && entry.sizeBytes >= tensor.storage.sizeBytes) return entry
  throw torchError(source, path, 'torch-storage', `the storage ${name} of ${key} ${found}`, {
    key,
    storage: name,
  })
}

function entryOf(
  archive: ZipArchive,
  storage: ZipEntry,
  storageOffset: number,
  key: string,
  tensor: TorchTensor,
): WeightEntry {
  const { dtype, shape } = tensor
  const begin = tensor.offset * sizeOf(dtype)
  const length = elementCount(shape) * sizeOf(dtype)
  const { source, path } = archive
  const offset = storageOffset + begin
  if (!storage.isStored || !tensor.isContiguous || length === 0)
    return { key, dtype, shape, read: () => materialise(archive, storage, tensor) }
  return {
    key,
    dtype,
    shape,
    ...(offset % sizeOf(dtype) === 0 && { place: { source, path, offset, length } }),
    read: async () => ({
      dtype,
      shape,
      data: viewBytes(dtype, await source.readRange(path, offset, length)),
    }),
  }
}

/** The elements of any strided view, gathered in row-major order. */
async function materialise(archive: ZipArchive, storage: ZipEntry, tensor: TorchTensor): Promise<HostTensor> {
  const { dtype, shape, strides } = tensor
  const bytes = await readEntry(archive, storage)
  const stored = viewBytes(dtype, bytes.subarray(0, bytes.byteLength - (bytes.byteLength % sizeOf(dtype))))
  const data = allocate(dtype, elementCount(shape))
  gather(stored as Gatherable, data as Gatherable, tensor.offset, shape, strides)
  return { dtype: dtype satisfies DType, shape, data }
}

/** Stands for any pair of arrays of one type: elements move from one to the other unseen. */
type Gatherable = { [index: number]: number; readonly length: number }

function gather(
  from: Gatherable,
  to: Gatherable,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): void {
  const inner = shape.at(-1) ?? 1
  const innerStride = strides.at(-1) ?? 0
  const index = new Array<number>(Math.max(0, shape.length - 1)).fill(0)
  let row = offset
  for (let done = 0; done < to.length; done += inner) {
    for (let i = 0; i < inner; i++) to[done + i] = from[row + i * innerStride]!
    for (let axis = index.length - 1; axis >= 0; axis--) {
      row += strides[axis]!
      if (++index[axis]! < shape[axis]!) break
      row -= strides[axis]! * shape[axis]!
      index[axis] = 0
    }
  }
}

function torchError(
  source: FileSource,
  path: string,
  code: string,
  found: string,
  data: Readonly<Record<string, unknown>>,
): CheckpointError {
  return new CheckpointError(
    code,
    `${path} in ${source.name} cannot be read: ${found}. Save it again with a current PyTorch ` +
      `(torch.save(model.state_dict(), path)), or better, convert it to safetensors.`,
    { file: path, source: source.name, ...data },
  )
}
