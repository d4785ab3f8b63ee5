import { sizeOf, viewBytes } from '../tensor/dtype.ts'
import { CheckpointError, type ErrorData } from '../tensor/errors.ts'
import { elementCount } from '../tensor/tensor.ts'
import type { WeightEntry } from './checkpoint.ts'
import type { FileSource } from './files.ts'
import { unpickle } from './pickle.ts'
import { stateDictOf } from './state-dict.ts'
import { extentOf, gather, isContiguous } from './strided.ts'
import { storageOf, type TorchTensor, torchGlobals } from './torch-objects.ts'
import { memberOffset, openZip, readMemberBytes, type ZipArchive, type ZipMember } from './zip.ts'

/** A storage's bytes in the archive. */
interface Block {
  readonly member: ZipMember
  readonly offset: number
}

/** How many local headers are read at a time: enough to hide the latency, far below the limit of open files. */
const readsAtOnce = 32

/**
 * The tensors of a file that `torch.save` wrote (`.bin`, `.pth`, `.pt`): a zip archive of a pickle and one
 * member per storage. The pickle is interpreted, never run; values stay in the file until they are read.
 * @throws CheckpointError `torch-legacy` for the format before PyTorch 1.6, `torch-byte-order`, `torch-damaged`,
 * `torch-empty`, `pickle-global` and the other codes of `openZip`, `unpickle` and `stateDictOf`.
 */
export async function readTorch(source: FileSource, path: string): Promise<WeightEntry[]> {
  const fail: Fail = (code, found, data = {}) => {
    throw new CheckpointError(code, `${path} in ${source.name}: ${found}`, {
      source: source.name,
      file: path,
      ...data,
    })
  }
  await checkFormat(source, path, fail)
  const archive = await openZip(source, path)
  const pickleName = [...archive.members.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name))
  if (!pickleName)
    return fail('torch-damaged', 'the archive has no data.pkl, so torch.save did not write it.')
  const root = pickleName.slice(0, -'data.pkl'.length)
  await checkByteOrder(archive, root, fail)
  const pickle = await readMemberBytes(archive, archive.members.get(pickleName)!)
  const file = `${path} in ${source.name}`
  const tensors = stateDictOf(
    unpickle(pickle, { file, globals: torchGlobals(), persistent: storageOf }),
    file,
  )
  if (tensors.size === 0)
    return fail('torch-empty', 'its pickle holds no tensors. Name the file that has the weights.')
  const blocks = await findBlocks(archive, root, [...tensors.values()], fail)
  return [...tensors].map(([key, tensor]) => entryOf(archive, key, tensor, blocks.get(tensor.storage.key)!))
}

type Fail = (code: string, found: string, data?: ErrorData) => never

async function checkFormat(source: FileSource, path: string, fail: Fail): Promise<void> {
  const first = await source.readRange(path, 0, Math.min(await source.size(path), 64))
  const text = new TextDecoder('latin1').decode(first)
  if (text.startsWith('PK')) return
  if (text.startsWith('version https://git-lfs'))
    fail('torch-damaged', 'this is a Git LFS pointer, not the weights. Run "git lfs pull" there.')
  if (first[0] === 0x80 || text.includes('ustar'))
    fail(
      'torch-legacy',
      'this is the format from before PyTorch 1.6, whose tensors cannot be read in place. Save it again in ' +
        'PyTorch, torch.save(torch.load(path, weights_only=True), path), or convert it to safetensors.',
    )
  fail('torch-damaged', 'it is not a zip archive, so torch.save did not write it. Pull the file again.')
}

async function checkByteOrder(archive: ZipArchive, root: string, fail: Fail): Promise<void> {
  const member = archive.members.get(`${root}byteorder`)
  if (!member || member.sizeBytes > 16) return
  const order = new TextDecoder().decode(await readMemberBytes(archive, member))
  if (order !== 'little')
    fail(
      'torch-byte-order',
      `its numbers are ${order}-endian. Convert it to safetensors, which are little-endian.`,
      {
        order,
      },
    )
}

/** Each storage's bytes by its key, after checking that the archive has as many as the pickle says. */
async function findBlocks(
  archive: ZipArchive,
  root: string,
  tensors: readonly TorchTensor[],
  fail: Fail,
): Promise<Map<string, Block>> {
  const members = new Map<string, ZipMember>()
  for (const { storage, dtype } of tensors) {
    const member = archive.members.get(`${root}data/${storage.key}`)
    const needed = storage.length * (storage.dtype ? sizeOf(storage.dtype) : 1)
    if (!member || member.sizeBytes < needed)
      return fail(
        'torch-damaged',
        `storage ${storage.key} needs ${needed} bytes, but the archive has ${member?.sizeBytes ?? 'none'}. ` +
          'Pull the file again.',
        { storage: storage.key, dtype, needed, found: member?.sizeBytes },
      )
    members.set(storage.key, member)
  }
  const pending = [...members]
  const blocks = new Map<string, Block>()
  while (pending.length > 0)
    await Promise.all(
      pending.splice(0, readsAtOnce).map(async ([key, member]) => {
        blocks.set(key, { member, offset: await memberOffset(archive, member) })
      }),
    )
  return blocks
}

function entryOf(
  archive: ZipArchive,
  key: string,
  tensor: TorchTensor,
  { member, offset }: Block,
): WeightEntry {
  const { source, path } = archive
  const { dtype, shape, strides } = tensor
  const size = sizeOf(dtype)
  const begin = tensor.offset * size
  const extent = extentOf(shape, strides) * size
  const isWhole = isContiguous(shape, strides)
  const length = elementCount(shape) * size
  const isMappable = isWhole && member.isStored && length > 0 && (offset + begin) % size === 0
  return {
    key,
    dtype,
    shape,
    ...(isMappable && { place: { source, path, offset: offset + begin, length } }),
    async read() {
      const bytes = member.isStored
        ? await source.readRange(path, offset + begin, extent)
        : (await readMemberBytes(archive, member)).subarray(begin, begin + extent)
      return { dtype, shape, data: isWhole ? viewBytes(dtype, bytes) : gather(dtype, shape, strides, bytes) }
    },
  }
}
