import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { CheckpointError, InputError } from '../tensor/errors.ts'
import { cachedCommit, type ModelFolders, modelFolders, namesIn } from './cache.ts'
import { missingFiles } from './complete.ts'
import { type ModelName, parseModelName } from './names.ts'
import { expandHome, type HubOptions, hubSettings } from './settings.ts'

/** A model on this machine. */
export interface FoundModel {
  /** The folder with its files. */
  readonly folder: string
  /** What to call it in messages: the path as given, or `org/name`. */
  readonly name: string
  /** Its id and commit on the hub, when it came from the cache. */
  readonly id: string | undefined
  readonly commit: string | undefined
}

/**
 * The folder of a model: a path as it is, or `org/name[@revision]` looked up in the cache; a folder that
 * exists goes before an id of the same name. Downloads nothing.
 * @throws CheckpointError `model-folder-missing`, `model-not-pulled` (which says what to pull); InputError
 * `model-id`, `model-not-a-folder`
 */
export async function findModel(idOrPath: string, options: HubOptions = {}): Promise<FoundModel> {
  const path = resolve(expandHome(idOrPath))
  const entry = await stat(path).catch(() => undefined)
  if (entry?.isDirectory()) return { folder: path, name: idOrPath, id: undefined, commit: undefined }
  if (entry) {
    throw new InputError(
      'model-not-a-folder',
      `${idOrPath} is a file. Give the folder that holds it together with config.json.`,
      { path },
    )
  }
  if (/^([./~]|[a-zA-Z]:)|\\|\/.*\//.test(idOrPath.split('@', 1)[0] ?? '')) {
    throw new CheckpointError(
      'model-folder-missing',
      `There is no folder ${path}. Give a model's folder, or its id on the hub as org/name.`,
      { path },
    )
  }
  const model = parseModelName(idOrPath)
  const { cacheDir } = hubSettings(options)
  const folders = modelFolders(cacheDir, model.id)
  const commit = await cachedCommit(folders, model.revision ?? 'main')
  const folder = commit && join(folders.snapshots, commit)
  if (commit && folder && (await stat(folder).catch(() => undefined))?.isDirectory()) {
    return { folder, name: model.id, id: model.id, commit }
  }
  throw await notPulled(cacheDir, folders, model)
}

async function notPulled(
  cacheDir: string,
  folders: ModelFolders,
  model: ModelName,
): Promise<CheckpointError> {
  const { id, revision } = model
  const command = `panoptes pull ${id}${revision === undefined ? '' : `@${revision}`}`
  const commits = await namesIn(folders.snapshots)
  const states = await Promise.all(commits.map((commit) => missingFiles(folders, commit)))
  const whole = commits.filter((_, i) => states[i]?.missing.length === 0)
  const similar = await similarId(cacheDir, id)
  const hint = whole.length
    ? ` It has another revision of it: ${whole.map((commit) => `${id}@${commit.slice(0, 12)}`).join(', ')}.`
    : commits.length
      ? ` A download of it was begun and not finished; this continues it.`
      : similar
        ? ` It has ${similar}.`
        : ''
  return new CheckpointError(
    'model-not-pulled',
    `${id}${revision === undefined ? '' : `@${revision}`} is neither a folder here nor in the cache ` +
      `(${cacheDir}).${hint} Run: ${command}`,
    { id, revision, cacheDir, command, commits, similar },
  )
}

/** A cached model of the same name by another organisation, or in another spelling. */
async function similarId(cacheDir: string, id: string): Promise<string | undefined> {
  const key = (text: string) =>
    text
      .slice(text.lastIndexOf('/') + 1)
      .toLowerCase()
      .replace(/[-_.]/g, '')
  const ids = (await namesIn(cacheDir))
    .filter((name) => name.startsWith('models--'))
    .map((name) => name.slice('models--'.length).replaceAll('--', '/'))
  return ids.find((other) => other !== id && key(other) === key(id))
}
