import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { outOfDomainFolder } from '../embedded/sets.ts'

/** The versions that the questions were made from, by the names of Debian 12's packages. */
export type Versions = Readonly<Record<string, string>>

/** Programs that draw the pictures, and the packages that bring them. */
const programs = {
  pdftoppm: 'poppler-utils',
  pdftotext: 'poppler-utils',
  man: 'man-db',
  groff: 'groff-base',
  chromium: 'chromium',
  'dpkg-deb': 'dpkg',
} as const

/** Installs the programs that are missing. @throws Error with the command, where this user may not install. */
export function ensurePrograms(): void {
  const missing = new Set(
    Object.entries(programs).flatMap(([program, owner]) =>
      spawnSync('which', [program]).status === 0 ? [] : [owner],
    ),
  )
  if (missing.size === 0) return
  const words = ['install', '-y', '--no-install-recommends', ...missing]
  if (process.getuid?.() !== 0)
    throw new Error(`Programs are missing. Install them: sudo apt-get ${words.join(' ')}`)
  run('apt-get', ['update', '-qq'])
  run('apt-get', words)
}

/**
 * Where the files of a package lie: downloaded and unpacked, not installed. Another version is taken, and told, where the
 * archive no longer has the one that is asked for.
 */
export async function unpacked(
  name: string,
  version: string,
  notice: (message: string) => void,
): Promise<string> {
  const folder = join(outOfDomainFolder, 'packages', name)
  if (existsSync(folder)) return folder
  const download = `${folder}.deb.partial`
  await rm(download, { recursive: true, force: true })
  await mkdir(download, { recursive: true })
  if (!fetched(`${name}=${version}`, download)) {
    if (!fetched(name, download))
      throw new Error(
        `apt-get cannot download ${name}. Run apt-get update first; the set needs Debian's main archive.`,
      )
    notice(`${name} ${version} is not in the archive any more; another version is taken`)
  }
  const [file] = await readdir(download)
  run('dpkg-deb', ['-x', join(download, file!), join(download, 'files')])
  await rename(join(download, 'files'), folder)
  await rm(download, { recursive: true })
  return folder
}

function fetched(what: string, folder: string): boolean {
  return spawnSync('apt-get', ['download', '-qq', what], { cwd: folder, stdio: 'ignore' }).status === 0
}

/** What a program prints. @throws Error with what it said, where it fails. */
export function run(program: string, words: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, ...env },
  })
  if (status !== 0)
    throw new Error(`${program} ${words.join(' ')} failed: ${error?.message ?? stderr.slice(-500)}`)
  return stdout
}
