import type { FileSource } from './files.ts'
import { checkedPath, fileMissing, fileTruncated } from './paths.ts'

/** Files held in memory, by relative path: what a browser was handed, what a test made up. Copies nothing. */
export function memorySource(name: string, files: ReadonlyMap<string, Uint8Array>): FileSource {
  function find(path: string): Uint8Array {
    const bytes = files.get(checkedPath(name, path))
    if (!bytes) throw fileMissing(name, path, [...files.keys()])
    return bytes
  }
  return {
    name,
    list: async () => [...files.keys()],
    has: async (path) => files.has(checkedPath(name, path)),
    size: async (path) => find(path).byteLength,
    read: async (path) => find(path),
    readRange: async (path, offset, length) => {
      const bytes = find(path)
      if (offset + length > bytes.byteLength)
        throw fileTruncated(name, path, offset, length, bytes.byteLength)
      return bytes.subarray(offset, offset + length)
    },
    localPath: async (path) => {
      find(path)
      return undefined
    },
  }
}
