import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FileSource } from '../checkpoint/files.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { findModel } from '../hub/find.ts'
import { decodeImage } from '../image/decode.ts'
import { chooseEngine } from '../runtime/default-engine.ts'
import { precisionsOf } from '../runtime/precision.ts'
import { diskStore } from '../runtime/weight-cache.ts'
import { findBeside } from './find-beside.ts'
import { type LoadOptions, loadModel, type Platform } from './load.ts'
import type { Model } from './model.ts'
import { type ObjectFinderOptions, objectFinder } from './object-finder.ts'
import { visualTokenFolder } from './visual-store.ts'

/** A picture in Node: a path, a file URL, or the bytes of a file. */
export type EncodedPicture = string | URL | Blob | Uint8Array

export type NodeModel = Model<EncodedPicture>

/** What Node brings. */
export const node: Omit<Platform<EncodedPicture>, 'engine'> = {
  device: 'cpu',
  quantised: diskStore(),
  async decode(encoded, numbered) {
    const name = typeof encoded === 'string' ? encoded : encoded instanceof URL ? nameOf(encoded) : numbered
    const file = encoded instanceof Blob ? new Uint8Array(await encoded.arrayBuffer()) : encoded
    return { name, image: (await decodeImage(file, { name })).image }
  },
}

/** How a model is loaded in Node. */
export interface NodeLoadOptions extends Omit<LoadOptions, 'visualStore' | 'adapter'> {
  /** A LoRA adapter as peft saves it, which is merged into the model's weights: a folder, or any source of files. */
  readonly adapter?: string | FileSource | undefined
  /** A folder in which visual tokens are kept, so that a picture is encoded once for all time. */
  readonly visualCacheDir?: string | undefined
  /** The binding to ONNX Runtime, by its name in `engineNames`; chosen by `chooseEngine` when absent. */
  readonly engine?: string | undefined
  /** Who finds objects for a system that is told of them: paths or hub ids; RAM++ and OWLv2 by default. */
  readonly objects?: Pick<ObjectFinderOptions, 'tagger' | 'detector'> | undefined
}

/**
 * Loads a model: a folder in its published layout, a hub id that was pulled, or any other source of files.
 * @example
 * const model = await load('OpenGVLab/InternVL2-2B')
 * const answer = await model.ask('What is the total?', { images: ['receipt.jpg'] })
 * console.log(answer.text)
 * @throws as `loadModel` and `chooseEngine`, and CheckpointError `model-folder-missing`, `model-not-pulled`
 */
export async function load(model: string | FileSource, options: NodeLoadOptions = {}): Promise<NodeModel> {
  const folder = typeof model === 'string' ? (await findModel(model)).folder : undefined
  const source = typeof model === 'string' ? await folderSource(folder ?? model) : model
  const { visualCacheDir, engine: name, objects, adapter: named, ...given } = options
  const { device, threads } = given
  const engine = await chooseEngine(name, device)
  const platform = { ...node, engine, findModel: (id: string) => findBeside(id, folder) }
  const finder = objectFinder({ ...objects, engine, device, threads, visualCacheDir })
  const adapter = typeof named === 'string' ? await folderSource(named) : named
  const rest = { objectFinder: finder, adapter, ...given }
  if (visualCacheDir === undefined) return loadModel(source, rest, platform)
  const visualStore = await visualTokenFolder(
    visualCacheDir,
    adapter ? [source, adapter] : [source],
    `${rest.as ?? ''} ${rest.device ?? 'cpu'} ${precisionsOf(rest.precision ?? 'fp32').vision}`,
  )
  return loadModel(source, { ...rest, visualStore }, platform)
}

function nameOf(url: URL): string {
  return url.protocol === 'file:' ? fileURLToPath(url) : basename(url.pathname)
}
