import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checkpoint, WeightEntry } from '../checkpoint/checkpoint.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { entryToWrite, type TensorToWrite } from '../checkpoint/write-safetensors.ts'
import type { DType } from '../tensor/dtype.ts'
import { f32ToBf16, f32ToF16, toFloat32 } from '../tensor/half.ts'
import { type HostTensor, hostTensor } from '../tensor/tensor.ts'
import { writeTensors } from './run-folder.ts'

/** Files of a model's folder that hold its weights, in any of their forms. */
const weightFiles = /\.(safetensors|bin|pth|pt)$|\.index\.json$/

/**
 * Writes a model in its original layout: every weight under its own name and type, the changed ones with their new
 * values, and the configuration and tokenizer as they were. One tensor at a time is in memory.
 */
export async function exportModel(
  folder: string,
  source: FileSource,
  checkpoint: Checkpoint,
  changed: ReadonlyMap<string, WeightEntry>,
): Promise<void> {
  await makeFolder(folder)
  for (const path of await source.list()) {
    const local = path.includes('/') || weightFiles.test(path) ? undefined : await source.localPath(path)
    if (local !== undefined) await copyFile(local, join(folder, path))
  }
  const tensors = checkpoint.keys().map((key): TensorToWrite => {
    const entry = checkpoint.entry(key)
    const own = changed.get(key)
    return entryToWrite(own ? narrowed(own, entry.dtype) : entry)
  })
  await writeTensors(join(folder, 'model.safetensors'), tensors)
}

/** A changed weight in the type in which its checkpoint keeps it. */
function narrowed(entry: WeightEntry, dtype: DType): WeightEntry {
  const narrow = dtype === 'bf16' ? f32ToBf16 : dtype === 'f16' ? f32ToF16 : undefined
  if (!narrow) return entry
  return {
    ...entry,
    dtype,
    async read() {
      const { shape, data } = toFloat32(await entry.read())
      return hostTensor(dtype, shape, narrow(data) as HostTensor['data'])
    },
  }
}
