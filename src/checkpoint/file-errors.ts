import { CheckpointError } from '../tensor/errors.ts'
import type { FileSource } from './files.ts'

type Named = Pick<FileSource, 'name'>

/** The error for a path that the source does not have. */
export function fileMissing(source: Named, path: string, cause?: unknown): CheckpointError {
  return new CheckpointError(
    'file-missing',
    `${source.name} has no file "${path}". Check the name, or download the checkpoint again if it should be there.`,
    { source: source.name, path },
    cause,
  )
}

/**
 * Checks that a range lies inside a file of `sizeBytes`.
 * @throws CheckpointError `file-truncated` when the file ends before the range does.
 */
export function checkRange(
  source: Named,
  path: string,
  sizeBytes: number,
  offset: number,
  length: number,
): void {
  if (offset >= 0 && length >= 0 && offset + length <= sizeBytes) return
  throw new CheckpointError(
    'file-truncated',
    `${path} in ${source.name} ends at byte ${sizeBytes}, but bytes ${offset} to ${offset + length} are needed. ` +
      'The file is damaged or its download was cut short: download it again.',
    { source: source.name, path, sizeBytes, offset, length },
  )
}
