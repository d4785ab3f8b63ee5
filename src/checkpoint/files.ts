/**
 * Where a model's files come from: a folder on disk, a hub cache, memory (in a browser), an HTTP server.
 * Paths are relative and use forward slashes. Every reader of checkpoints, configurations and tokenizers goes
 * through this, so that nothing but its implementations depends on a file system.
 */
export interface FileSource {
  /** What to call the source in messages: a folder's path, a hub id. */
  readonly name: string
  /** Set where reading is a download: nothing is then read that a run does not need. */
  readonly isRemote?: true
  /** Every file's relative path. */
  list(): Promise<string[]>
  has(path: string): Promise<boolean>
  /** Size in bytes. @throws CheckpointError `file-missing` */
  size(path: string): Promise<number>
  /** A whole file. @throws CheckpointError `file-missing` */
  read(path: string): Promise<Uint8Array>
  /** `length` bytes from `offset`. @throws CheckpointError `file-truncated` when the file ends before. */
  readRange(path: string, offset: number, length: number): Promise<Uint8Array>
  /** The file's real path on this machine (links resolved), so that the engine can map it; undefined elsewhere. */
  localPath(path: string): Promise<string | undefined>
}
