import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import type { FileSource } from '../checkpoint/files.ts'
import type { CompileOptions } from '../runtime/program.ts'
import type { OnEvent } from './system.ts'
import type { VisualTokenCacheOptions } from './visual-token-cache.ts'

/** What a system is loaded from. */
export interface ModelFiles {
  readonly source: FileSource
  readonly checkpoint: Checkpoint
  /** config.json, unchecked. */
  readonly config: unknown
  /**
   * Opens another model that this one's configuration names by hub id or path, such as a vision tower published on its
   * own; undefined where it is not on this machine.
   */
  readonly findModel?: ((id: string) => Promise<FileSource | undefined>) | undefined
}

export interface OpenOptions {
  readonly compile: CompileOptions
  readonly onEvent?: OnEvent | undefined
  /** How visual tokens are kept for the next question about the same picture. */
  readonly visualCache?: VisualTokenCacheOptions | undefined
}
