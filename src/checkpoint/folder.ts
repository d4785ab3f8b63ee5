import { open, readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError } from '../tensor/errors.ts'
import type { FileSource } from './files.ts'
import { checkedPath, fileMissing, fileTruncated } from './paths.ts'

/** One read call takes at most 2 GiB on every platform; half of that keeps clear of the limit. */
const readLimitBytes = 2 ** 30

/**
 * The files of a folder on disk, links followed (a hub cache's snapshot is a folder of links). Needs Node.
 * @throws CheckpointError `folder-missing` when there is no such folder.
 */
export async function folderSource(path: string): Promise<FileSource> {
  const found = await stat(path).catch(() => undefined)
  if (!found?.isDirectory())
    throw new CheckpointError(
      'folder-missing',
      found
        ? `${path} is a file, not a folder. Pass the folder that holds the model's files, or open the file itself.`
        : `There is no folder ${path}. Check the path, or pull the model first.`,
      { path, isFile: found !== undefined },
    )
  const root = await realpath(path)
  const locate = (relative: string) => join(root, checkedPath(path, relative))

  async function size(relative: string): Promise<number> {
    const file = await stat(locate(relative)).catch(() => undefined)
    if (!file?.isFile()) throw fileMissing(path, relative, await list().catch(() => []))
    return file.size
  }

  async function readRange(relative: string, offset: number, length: number): Promise<Uint8Array> {
    const available = await size(relative)
    if (offset + length > available) throw fileTruncated(path, relative, offset, length, available)
    const bytes = new Uint8Array(length)
    const file = await open(locate(relative), 'r')
    try {
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(
          bytes,
          done,
          Math.min(readLimitBytes, length - done),
          offset + done,
        )
        if (bytesRead === 0) throw fileTruncated(path, relative, offset, length, offset + done)
        done += bytesRead
      }
    } finally {
      await file.close()
    }
    return bytes
  }

  const list = () => listFolder(root, '', [root])
  return {
    name: path,
    list,
    size,
    readRange,
    read: async (relative) => readRange(relative, 0, await size(relative)),
    has: async (relative) => (await stat(locate(relative)).catch(() => undefined))?.isFile() ?? false,
    localPath: async (relative) => {
      await size(relative)
      return realpath(locate(relative))
    },
  }
}

/** Relative paths below a folder in name order; `parents` are the real paths above it, to end link cycles. */
async function listFolder(root: string, folder: string, parents: readonly string[]): Promise<string[]> {
  const paths: string[] = []
  const names = await readdir(join(root, folder)).catch((error: NodeJS.ErrnoException) => {
    const path = join(root, folder)
    throw new CheckpointError(
      'folder-unreadable',
      `The folder ${path} cannot be read (${error.code}). Check its permissions, or that it is a model's folder.`,
      { path, code: error.code },
      error,
    )
  })
  for (const name of names.sort()) {
    const relative = folder === '' ? name : `${folder}/${name}`
    const found = await stat(join(root, relative)).catch(() => undefined) // undefined: a link to nothing
    if (found?.isFile()) paths.push(relative)
    if (!found?.isDirectory()) continue
    const real = await realpath(join(root, relative))
    if (!parents.includes(real)) paths.push(...(await listFolder(root, relative, [...parents, real])))
  }
  return paths
}
