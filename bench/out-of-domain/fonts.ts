import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { outOfDomainFolder } from '../embedded/sets.ts'

/** What stands for the families that documents and pages name without bringing them. */
const standIns: Readonly<Record<string, string>> = {
  'sans-serif': 'DejaVu Sans',
  serif: 'DejaVu Serif',
  monospace: 'DejaVu Sans Mono',
  Arial: 'Liberation Sans',
  Helvetica: 'Liberation Sans',
  Times: 'Liberation Serif',
  'Times New Roman': 'Liberation Serif',
  Courier: 'Liberation Mono',
  'Courier New': 'Liberation Mono',
}

/**
 * The environment for programs that shall know the letters of these packages and no others, whatever is installed, so that
 * every machine draws alike.
 */
export async function fontEnvironment(packageFolders: readonly string[]): Promise<Record<string, string>> {
  const folder = join(outOfDomainFolder, 'fonts')
  await mkdir(join(folder, 'cache'), { recursive: true })
  const lines = [
    '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>',
    ...packageFolders.map((unpacked) => `<dir>${join(unpacked, 'usr/share/fonts/truetype')}</dir>`),
    `<cachedir>${join(folder, 'cache')}</cachedir>`,
    ...Object.entries(standIns).map(
      ([named, family]) =>
        `<alias binding="same"><family>${named}</family><prefer><family>${family}</family></prefer></alias>`,
    ),
    '</fontconfig>',
  ]
  await writeFile(join(folder, 'fonts.conf'), lines.join('\n'))
  return { FONTCONFIG_FILE: join(folder, 'fonts.conf') }
}
