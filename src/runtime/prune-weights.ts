import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { withUsedWeights } from './weight-uses.ts'

/** A kept weight's file. */
interface KeptWeight {
  readonly name: string
  readonly sizeBytes: number
  /** When it was last used, to the hour. */
  readonly usedAtMs: number
}

/** The weights that a folder keeps, longest unused first; none where there is no folder. */
export async function keptWeights(
  folder: string,
): Promise<{ readonly files: readonly KeptWeight[]; readonly sizeBytes: number }> {
  const files: KeptWeight[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.endsWith('.safetensors')) continue
    const entry = await stat(join(folder, name)).catch(() => undefined) // another process may have removed it
    if (entry) files.push({ name, sizeBytes: entry.size, usedAtMs: entry.mtimeMs })
  }
  files.sort((a, b) => a.usedAtMs - b.usedAtMs)
  return { files, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }
}

/** What pruning did. */
export interface Pruned {
  readonly removedFiles: number
  readonly removedBytes: number
  /** More than the limit where running processes use more. */
  readonly keptBytes: number
}

/**
 * Removes the weights whose last use is longest ago until all take `limitBytes` at most, and none that a running process
 * uses. Files that are being written have other names.
 */
export async function pruneWeights(folder: string, limitBytes: number): Promise<Pruned> {
  const keptBytes = (await keptWeights(folder)).sizeBytes
  if (keptBytes <= limitBytes) return { removedFiles: 0, removedBytes: 0, keptBytes }
  return withUsedWeights(folder, async (used) => {
    const { files, sizeBytes } = await keptWeights(folder)
    let [removedFiles, removedBytes] = [0, 0]
    for (const file of files) {
      if (sizeBytes - removedBytes <= limitBytes) break
      if (used.has(file.name)) continue
      await rm(join(folder, file.name), { force: true })
      removedFiles++
      removedBytes += file.sizeBytes
    }
    return { removedFiles, removedBytes, keptBytes: sizeBytes - removedBytes }
  })
}
