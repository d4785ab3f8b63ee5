import { CheckpointError } from '../tensor/errors.ts'

/**
 * The path itself when it stays inside its source: relative, forward slashes, no `..`. Shard names come from
 * downloaded index files, so this is what keeps a hostile checkpoint from reading elsewhere on the disk.
 * @throws CheckpointError `file-path`
 */
export function checkedPath(sourceName: string, path: string): string {
  const isAbsolute = path.startsWith('/') || path.includes('\\') || /^[a-z]:/i.test(path)
  if (path === '' || isAbsolute || path.includes('\0') || path.split('/').includes('..'))
    throw new CheckpointError(
      'file-path',
      `The path ${JSON.stringify(path)} leads outside ${sourceName}. ` +
        `Paths in a model's files must be relative, with forward slashes and without "..".`,
      { source: sourceName, path },
    )
  return path
}

/** The error for a file that a source does not have. */
export function fileMissing(sourceName: string, path: string, present: readonly string[]): CheckpointError {
  const shown = present.slice(0, 8).join(', ') + (present.length > 8 ? ', …' : '')
  return new CheckpointError(
    'file-missing',
    `${sourceName} has no file ${path} (${present.length} files${shown && `: ${shown}`}). ` +
      `Check the path, or pull the model again if its download was cut short.`,
    { source: sourceName, path, present: present.slice(0, 100) },
  )
}

/** The error for a file that ends before what was asked of it. */
export function fileTruncated(
  sourceName: string,
  path: string,
  offset: number,
  length: number,
  sizeBytes: number,
): CheckpointError {
  return new CheckpointError(
    'file-truncated',
    `${path} in ${sourceName} has ${sizeBytes} bytes, but bytes ${offset} to ${offset + length} are needed. ` +
      `Its download was probably cut short: delete the file and pull it again.`,
    { source: sourceName, path, offset, length, sizeBytes },
  )
}
