import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileSource } from '../checkpoint/files.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { openFile } from '../checkpoint/open.ts'
import { writeSafetensors } from '../checkpoint/write-safetensors.ts'
import { writeWhole } from '../checkpoint/write-whole.ts'
import type { TensorStore } from '../runtime/tensor-store.ts'
import { InputError, PanoptesError } from '../tensor/errors.ts'
import { toFloat32 } from '../tensor/half.ts'
import type { HostTensor } from '../tensor/tensor.ts'

/**
 * Visual tokens as files of a folder, for one model with its adapters: its files' names, sizes and times, and
 * `variant` (what else changes its tokens, such as a precision) name the place. A file that cannot be read counts as absent.
 */
export async function visualTokenFolder(
  folder: string,
  model: readonly FileSource[],
  variant: string,
): Promise<TensorStore> {
  const root = join(folder, await modelKey(model, variant))
  await makeFolder(root).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(
      'cache-unwritable',
      `Visual tokens cannot be kept in ${folder} (${error.code}). Name a folder that can be written.`,
      { folder, code: error.code },
      error,
    )
  })
  const source = await folderSource(root)
  const fileOf = (key: string): string => `${digest(key)}.safetensors`
  return {
    async load(key) {
      if (!(await source.has(fileOf(key)))) return undefined
      try {
        const checkpoint = await openFile(source, fileOf(key))
        return toFloat32(await checkpoint.entry('tokens').read())
      } catch (error) {
        if (error instanceof PanoptesError) return undefined
        throw error
      }
    },
    async save(key, tokens: HostTensor<'f32'>) {
      await writeWhole(join(root, fileOf(key)), [writeSafetensors(new Map([['tokens', tokens]]))])
    },
  }
}

async function modelKey(model: readonly FileSource[], variant: string): Promise<string> {
  const files = await Promise.all(model.map(filesOf))
  return digest([variant, ...files.flat()].join('\n')).slice(0, 16)
}

async function filesOf(source: FileSource): Promise<string[]> {
  const paths = await source.list()
  return Promise.all(
    paths.map(async (path) => {
      const local = await source.localPath(path)
      const changed = local === undefined ? '' : (await stat(local)).mtimeMs
      return `${path} ${await source.size(path)} ${changed}`
    }),
  )
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
