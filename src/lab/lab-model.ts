import { parseConfig } from '../checkpoint/config.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { findModel } from '../hub/find.ts'
import { internVlConfig, tokensPerTile } from '../systems/internvl-config.ts'
import { readModel } from '../systems/read-model.ts'
import { InputError } from '../tensor/errors.ts'
import { modelDigest } from './model-digest.ts'

/** The model of an experiment, before anything of it is loaded. */
export interface LabModel {
  readonly folder: string
  readonly source: FileSource
  /** Pixels along a side. */
  readonly tileSize: number
  readonly tokensPerTile: number
  readonly digest: string
}

/**
 * @throws InputError `lab-model` for a system whose tilings cannot be exchanged; what `findModel` and `readModel` throw
 */
export async function labModel(model: string): Promise<LabModel> {
  const { folder } = await findModel(model)
  const source = await folderSource(folder)
  const { config } = await readModel(source)
  const { architectures } = config as { architectures?: readonly string[] }
  const known = ['MiniMonkeyChatModel', 'InternVLChatModel']
  if (!known.includes(architectures?.[0] ?? ''))
    throw new InputError(
      'lab-model',
      `${model} is a ${architectures?.[0]}; the lab cuts pictures for ${known.join(' and ')} checkpoints. Name one.`,
      { found: architectures?.[0], known },
    )
  const parsed = parseConfig(internVlConfig, config, `${source.name}/config.json`)
  if (parsed.s2_scales)
    throw new InputError(
      'lab-model',
      `${model} has a projector for S2 alone. Name the model that it was made from.`,
    )
  const digest = await modelDigest(source)
  return { folder, source, tileSize: parsed.tileSize, tokensPerTile: tokensPerTile(parsed), digest }
}
