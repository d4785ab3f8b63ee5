import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { readJsonFile } from '../checkpoint/config.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { openCheckpoint } from '../checkpoint/open.ts'
import { systemOfKeys } from './registry.ts'

/**
 * A model's weights and config.json, which only the checkpoints of systems that are known by their weights may lack.
 * @throws CheckpointError `file-missing`, and what `openCheckpoint` throws
 */
export async function readModel(source: FileSource): Promise<{ config: unknown; checkpoint: Checkpoint }> {
  if (await source.has('config.json')) {
    const config = await readJsonFile(source, 'config.json')
    return { config, checkpoint: await openCheckpoint(source) }
  }
  const checkpoint = await openCheckpoint(source)
  return { config: systemOfKeys(checkpoint) ? {} : await readJsonFile(source, 'config.json'), checkpoint }
}
