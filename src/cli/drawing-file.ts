import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { InputError } from '../tensor/errors.ts'
import { UsageError } from './usage-error.ts'

/** @throws UsageError where the drawing would be no PNG by its name, or replace the picture. */
export function checkDrawingPath(out: string, picture: string): void {
  if (!/\.png$/i.test(out))
    throw new UsageError(`--out ${out} does not end in .png, and the drawing is a PNG file.`)
  if (resolve(out) === resolve(picture))
    throw new UsageError(`--out ${out} is the picture itself, which would be overwritten. Name another file.`)
}

/** @throws InputError `out-unwritable` */
export async function writeDrawing(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(path, bytes).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'its folder does not exist' : (error.code ?? error.message)
    throw new InputError(
      'out-unwritable',
      `${path} cannot be written: ${why}. Name another file.`,
      { path },
      error,
    )
  })
}
