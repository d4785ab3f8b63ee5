import { defineCommand } from './command.ts'
import { flag } from './option.ts'
import { bytes, plural } from './words.ts'

export const cache = defineCommand({
  name: 'cache',
  description:
    'Tells what the quantised weights take that Panoptes keeps to load models fast, and removes them. They are made again ' +
    'when they are needed; those that a running process uses stay. Above the limit (PANOPTES_CACHE_GB, 20 by default) ' +
    'those unused for longest go by themselves. The folder is PANOPTES_CACHE, else ~/.cache/panoptes.',
  usage: '[options]',
  positionals: [],
  options: {
    clear: flag('remove all weights that no running process uses'),
    json: flag('print the figures as JSON'),
  },
  examples: ['panoptes cache', 'panoptes cache --clear --json'],
  async run({ options }) {
    const [{ cacheLimitBytes, weightFolderOfCache }, { keptWeights, pruneWeights }, { usedWeights }] =
      await Promise.all([
        import('../runtime/cache-settings.ts'),
        import('../runtime/prune-weights.ts'),
        import('../runtime/weight-uses.ts'),
      ])
    const [folder, limitBytes] = [weightFolderOfCache(), cacheLimitBytes()]
    const removed = options.clear ? await pruneWeights(folder, 0) : undefined
    const [kept, used] = [await keptWeights(folder), await usedWeights(folder)]
    const inUse = kept.files.filter(({ name }) => used.has(name))
    const usedBytes = inUse.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const found = { folder, files: kept.files.length, sizeBytes: kept.sizeBytes, usedBytes, limitBytes }
    if (options.json) {
      const { removedFiles = 0, removedBytes = 0 } = removed ?? {}
      process.stdout.write(`${JSON.stringify({ ...found, removedFiles, removedBytes }, null, 2)}\n`)
      return
    }
    if (removed)
      process.stdout.write(
        `removed ${plural(removed.removedFiles, 'weight')} (${bytes(removed.removedBytes)})\n`,
      )
    const use = usedBytes > 0 ? `, ${bytes(usedBytes)} of them in use` : ''
    process.stdout.write(
      `${folder}: ${plural(found.files, 'weight')}, ${bytes(found.sizeBytes)}${use}; limit ${bytes(limitBytes)}\n`,
    )
  },
})
