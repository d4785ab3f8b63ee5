import { parseConfig } from '../../src/checkpoint/config.ts'
import { folderSource } from '../../src/checkpoint/folder.ts'
import type { FontSet } from '../../src/data/synthetic/faces.ts'
import type { Kind } from '../../src/data/synthetic/kinds.ts'
import { type NamedSample, pictureAt } from '../../src/data/synthetic/series.ts'
import type { Decoder } from '../../src/decoders/decoder.ts'
import { decoderOf } from '../../src/decoders/registry.ts'
import { type InternVlConfig, internVlConfig } from '../../src/systems/internvl-config.ts'
import type { ModelFiles } from '../../src/systems/model-files.ts'
import { readModel } from '../../src/systems/read-model.ts'
import type { TilingOptions } from '../../src/tiling/tiling.ts'
import { type CellCode, cellCode } from '../../src/train/cells/code.ts'

/** A model whose halves learn by cells. */
export interface CellModel {
  readonly files: ModelFiles
  readonly config: InternVlConfig
  readonly decoder: Decoder
  readonly code: CellCode
}

/** Which pictures are read. */
export interface Reading {
  readonly kind: Kind
  readonly count: number
  readonly seed: number
  readonly fonts: FontSet
  readonly tiling: TilingOptions
}

/** @throws CheckpointError, InputError for a folder that is no InternVL2 or Mini-Monkey */
export async function openCellModel(folder: string): Promise<CellModel> {
  const source = await folderSource(folder)
  const { checkpoint, config: given } = await readModel(source)
  const config = parseConfig(internVlConfig, given, `${folder}/config.json`)
  const decoder = decoderOf(config.llm_config, `${folder}/config.json`)
  const findModel = (id: string): never => {
    throw new Error(`There is no ${id}.`)
  }
  const files = { source, checkpoint, config: given, findModel }
  return { files, config, decoder, code: cellCode(config, decoder) }
}

export function picturesOf({ kind, count, seed, fonts }: Reading): NamedSample[] {
  return Array.from({ length: count }, (_, i) => pictureAt({ kinds: [kind], seed, fonts }, i))
}
