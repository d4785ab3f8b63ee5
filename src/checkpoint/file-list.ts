import type { FileSource } from './files.ts'
import { checkedPath, fileMissing, fileTruncated } from './paths.ts'

/**
 * Files that a person chose or dropped in a page: an `<input type="file" webkitdirectory>`'s list, a drop's. They are
 * read in parts when they are needed. Paths are relative to the chosen folder.
 */
export function fileListSource(files: Iterable<File>, name?: string): FileSource {
  const chosen = [...files]
  const folders = new Set(chosen.map((file) => file.webkitRelativePath?.split('/')[0]))
  const [folder] = folders.size === 1 ? folders : []
  const source = name ?? (folder || 'The chosen files')
  const byPath = new Map(
    chosen.map((file) => [folder ? file.webkitRelativePath.slice(folder.length + 1) : file.name, file]),
  )

  function find(path: string): File {
    const file = byPath.get(checkedPath(source, path))
    if (!file) throw fileMissing(source, path, [...byPath.keys()])
    return file
  }

  return {
    name: source,
    list: async () => [...byPath.keys()],
    has: async (path) => byPath.has(checkedPath(source, path)),
    size: async (path) => find(path).size,
    read: async (path) => new Uint8Array(await find(path).arrayBuffer()),
    readRange: async (path, offset, length) => {
      const file = find(path)
      if (offset + length > file.size) throw fileTruncated(source, path, offset, length, file.size)
      return new Uint8Array(await file.slice(offset, offset + length).arrayBuffer())
    },
    localPath: async (path) => {
      find(path)
      return undefined
    },
  }
}
