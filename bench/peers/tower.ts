import type { Checkpoint } from '../../src/checkpoint/checkpoint.ts'
import { readJsonFile } from '../../src/checkpoint/config.ts'
import { folderSource } from '../../src/checkpoint/folder.ts'
import { openCheckpoint } from '../../src/checkpoint/open.ts'
import { type InternVitConfig, internVitConfig } from '../../src/encoders/internvit-config.ts'

/** The checkpoint in a folder and its tower's configuration. */
export async function openTower(
  folder: string,
): Promise<{ checkpoint: Checkpoint; config: InternVitConfig }> {
  const source = await folderSource(folder)
  const { vision_config } = (await readJsonFile(source, 'config.json')) as { vision_config: unknown }
  return { checkpoint: await openCheckpoint(source), config: internVitConfig.parse(vision_config) }
}
