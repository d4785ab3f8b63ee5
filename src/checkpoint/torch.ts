import { CheckpointError } from '../tensor/errors.ts'
import type { WeightEntry } from './checkpoint.ts'
import type { FileSource } from './files.ts'

/** Being written. */
export async function readTorch(source: FileSource, path: string): Promise<WeightEntry[]> {
  throw new CheckpointError('torch-unread', `${path} in ${source.name} is a PyTorch file.`, {})
}
