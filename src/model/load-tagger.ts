import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readJsonFile } from '../checkpoint/config.ts'
import type { FileSource } from '../checkpoint/files.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { makeFolder } from '../checkpoint/make-folder.ts'
import { openCheckpoint, openFile } from '../checkpoint/open.ts'
import { describeTags, type OpenTag } from '../detectors/open-tags.ts'
import { tagListFile } from '../detectors/tag-list.ts'
import {
  openTagger,
  type Tagger,
  type TaggerFiles,
  type TagOptions,
  type TagResult,
} from '../detectors/tagger.ts'
import { findModel } from '../hub/find.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import { cacheFolder } from '../runtime/cache-settings.ts'
import type { OnEvent } from '../runtime/run-events.ts'
import type { Picture } from '../systems/system.ts'
import { CheckpointError } from '../tensor/errors.ts'
import { type CompileChoices, compileInNode } from './compile-choices.ts'
import { type EncodedPicture, node } from './load-node.ts'
import { decodePictures } from './pictures.ts'
import { visualTokenFolder } from './visual-store.ts'

/** Tags that the tagger was not trained for, and who reads their descriptions. */
export interface OpenTagChoice {
  readonly tags: readonly OpenTag[]
  /** The folder or hub id of the CLIP model that the tagger was trained with: `openai/clip-vit-base-patch16`. */
  readonly textModel: string
}

/** How a tagger is loaded; with Node's engine on the CPU unless something else is named. */
export interface LoadTaggerOptions extends CompileChoices {
  /** A file with one tag a line, in place of the `ram_tag_list.txt` beside the checkpoint. */
  readonly tagList?: string | undefined
  /** A file with one threshold a line, in place of `ram_tag_list_threshold.txt`. */
  readonly thresholds?: string | undefined
  /** Tags of one's own, in place of the checkpoint's list. */
  readonly openTags?: OpenTagChoice | undefined
  /** A folder in which the scores of pictures are kept, so that each is looked at once for all time. */
  readonly visualCacheDir?: string | undefined
  readonly onEvent?: OnEvent | undefined
}

/** A tagger that takes pictures as Node has them. */
export interface NodeTagger {
  readonly tagger: Tagger
  /** As `Tagger.tag`, of a file, encoded bytes or pixels. @throws InputError for pictures that cannot be read too */
  tag(picture: EncodedPicture | RgbImage | Picture, options?: TagOptions): Promise<TagResult>
  /** Frees all weights. */
  dispose(): Promise<void>
}

/**
 * Loads a RAM or RAM++ checkpoint: its file as published (`.pth`) or as safetensors, the folder that holds it, or a hub
 * id that was pulled. The names of the tags lie beside it, or in `ram` of Panoptes' cache folder, in `ram_tag_list.txt`.
 * @example
 * const tagger = await loadTagger('models/ram_plus_swin_large_14m.pth')
 * const { tags } = await tagger.tag('street.jpg')
 * @throws as `openTagger`, and CheckpointError `model-folder-missing`, `model-not-pulled`, `list-unreadable`
 */
export async function loadTagger(model: string, options: LoadTaggerOptions = {}): Promise<NodeTagger> {
  const { tagList, thresholds, openTags: own, visualCacheDir, onEvent, ...choices } = options
  const lists = { tagList: await readList(tagList), thresholds: await readList(thresholds) }
  onEvent?.({ phase: 'loading', done: 0, total: 0, message: 'files' })
  const files = await filesOf(model)
  const compile = await compileInNode(choices)
  const openTags =
    own && (await describeTags(await modelFiles(own.textModel), own.tags, { compile, onEvent }))
  const variant = [
    `tagger ${files.checkpoint.name} ${compile.device} ${compile.precision?.vision}`,
    ...(own ? [own.textModel, JSON.stringify(own.tags)] : []),
  ].join(' ')
  const store =
    visualCacheDir === undefined
      ? undefined
      : await visualTokenFolder(visualCacheDir, [files.source], variant)
  const isBeside = (tagList ?? own) !== undefined || (await files.source.has(tagListFile))
  const listsElsewhere = isBeside ? undefined : await tagListFolder()
  const tagger = await openTagger(files, { ...lists, listsElsewhere, openTags, onEvent, compile, store })
  return {
    tagger,
    async tag(picture, tagOptions) {
      const [decoded] = await decodePictures([picture], node.decode)
      return tagger.tag(decoded!.image, tagOptions)
    },
    dispose: () => tagger.dispose(),
  }
}

async function filesOf(model: string): Promise<TaggerFiles> {
  const found = await stat(model).catch(() => undefined)
  if (found?.isFile()) {
    const source = await folderSource(dirname(model))
    return { source, checkpoint: await openFile(source, basename(model)), config: await configOf(source) }
  }
  return modelFiles(model)
}

async function modelFiles(model: string): Promise<TaggerFiles> {
  const source = await folderSource((await findModel(model)).folder)
  return { source, checkpoint: await openCheckpoint(source), config: await configOf(source) }
}

/**
 * Where tag lists may lie for a model in the hub's cache, whose folder is not one to put files into: `ram` in Panoptes'
 * own cache folder.
 */
async function tagListFolder(): Promise<FileSource> {
  const folder = join(cacheFolder(), 'ram')
  await makeFolder(folder)
  return folderSource(folder)
}

async function configOf(source: FileSource): Promise<unknown> {
  return (await source.has('config.json')) ? readJsonFile(source, 'config.json') : {}
}

async function readList(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'it does not exist' : (error.code ?? error.message)
    throw new CheckpointError('list-unreadable', `${path} cannot be read: ${why}.`, { path }, error)
  })
}
