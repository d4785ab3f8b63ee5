import { basename, dirname, join } from 'node:path'
import type { FileSource } from '../checkpoint/files.ts'
import { folderSource } from '../checkpoint/folder.ts'
import { findModel } from '../hub/find.ts'
import type { HubOptions } from '../hub/settings.ts'
import { PanoptesError } from '../tensor/errors.ts'

/**
 * A model that another one's configuration names: a folder of its name in the other's folder or beside it, else the
 * path itself, else what the hub cache has. Undefined where it is nowhere. Downloads nothing.
 * @param folder of the model that names it, where that is on disk
 */
export async function findBeside(
  id: string,
  folder: string | undefined,
  options: HubOptions = {},
): Promise<FileSource | undefined> {
  const name = basename(id)
  const places = folder === undefined ? [] : [join(folder, name), join(dirname(folder), name)]
  for (const place of [...places, id]) {
    try {
      return await folderSource((await findModel(place, options)).folder)
    } catch (error) {
      if (!(error instanceof PanoptesError)) throw error
    }
  }
  return undefined
}
