import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import type { FileSource } from '../checkpoint/files.ts'
import type { CompileOptions } from '../runtime/program.ts'
import type { OnEvent } from './system.ts'

/** What a system is loaded from. */
export interface ModelFiles {
  readonly source: FileSource
  readonly checkpoint: Checkpoint
  /** config.json, unchecked. */
  readonly config: unknown
}

export interface OpenOptions {
  readonly compile: CompileOptions
  readonly onEvent?: OnEvent | undefined
}
