import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Where peers and their models lie: outside the project's own dependencies, kept for the next run. */
export const peerFolder = resolve(import.meta.dirname, '../../.cache/bench')

/** A peer's module, installed from the registry where it is not there yet. Its API is its own: typed by its caller. */
export async function importPeer<T>(name: string, version: string): Promise<T> {
  const folder = await installPeer(name, version)
  const require = createRequire(join(folder, 'package.json'))
  const entry = require.resolve.paths(name) ? resolveEntry(require, folder, name) : name
  return (await import(pathToFileURL(entry).href)) as T
}

/** The folder in whose `node_modules` a package lies, installed from the registry where it is not there yet. */
export async function installPeer(name: string, version: string): Promise<string> {
  const folder = join(peerFolder, name.replace(/\W+/g, '-'))
  if (!existsSync(join(folder, 'node_modules', name))) {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'package.json'), '{"private":true}\n')
    const words = ['install', '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${version}`]
    const { status } = spawnSync('npm', words, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
    if (status !== 0) throw new Error(`npm install ${name}@${version} failed`)
  }
  return folder
}

/** The package's main module, also of those that only `import` may load. */
function resolveEntry(require: NodeJS.Require, folder: string, name: string): string {
  const root = join(folder, 'node_modules', name)
  const manifest = require(join(root, 'package.json')) as {
    main?: string
    exports?: { '.'?: Record<string, unknown> }
  }
  const dot = manifest.exports?.['.'] as Record<string, unknown> | undefined
  const pick = (value: unknown): string | undefined => {
    if (typeof value === 'string') return value
    if (typeof value !== 'object' || value === null) return undefined
    const { node, import: esm, default: other } = value as Record<string, unknown>
    return pick(node) ?? pick(esm) ?? pick(other)
  }
  return join(root, pick(dot) ?? manifest.main ?? 'index.js')
}
