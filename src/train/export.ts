import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { makeFolder } from '../checkpoint/make-folder.ts'
import type { TensorToWrite } from '../checkpoint/write-safetensors.ts'
import { f32ToBf16, f32ToF16 } from '../tensor/half.ts'
import type { HostTensor } from '../tensor/tensor.ts'
import { writeTensors } from './run-folder.ts'

/** Files of a model's folder that hold its weights, in any of their forms. */
const weightFiles = /\.(safetensors|bin|pth|pt)$|\.index\.json$/

/**
 * Writes a model in its original layout: every weight under its own name and type, the trained ones with their new
 * values, and the configuration and tokenizer as they were. One tensor at a time is in memory.
 */
export async function exportModel(
  folder: string,
  source: FileSource,
  checkpoint: Checkpoint,
  trained: ReadonlyMap<string, HostTensor<'f32'>>,
): Promise<void> {
  await makeFolder(folder)
  for (const path of await source.list()) {
    const local = path.includes('/') || weightFiles.test(path) ? undefined : await source.localPath(path)
    if (local !== undefined) await copyFile(local, join(folder, path))
  }
  // Trained weights of parts that were published apart are now the model's own.
  const added = [...trained].filter(([key]) => !checkpoint.has(key))
  const own = added.map(
    ([key, { dtype, shape, data }]): TensorToWrite => ({
      ...{ key, dtype, shape },
      async *chunks() {
        yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      },
    }),
  )
  const tensors = checkpoint.keys().map((key): TensorToWrite => {
    const { dtype, shape } = checkpoint.entry(key)
    const own = trained.get(key)
    return {
      key,
      dtype,
      shape,
      async *chunks() {
        const { data } = own ? narrowed(own, dtype) : await checkpoint.entry(key).read()
        yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      },
    }
  })
  await writeTensors(join(folder, 'model.safetensors'), [...tensors, ...own])
}

/** A trained weight in the type in which its checkpoint keeps it. */
function narrowed(tensor: HostTensor<'f32'>, dtype: string): Pick<HostTensor, 'data'> {
  if (dtype === 'bf16') return { data: f32ToBf16(tensor.data) as HostTensor['data'] }
  if (dtype === 'f16') return { data: f32ToF16(tensor.data) as HostTensor['data'] }
  return tensor
}
