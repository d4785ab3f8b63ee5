import { defineCommand } from './command.ts'
import { flag } from './option.ts'
import { bytes, printable, table } from './words.ts'

export const models = defineCommand({
  name: 'models',
  description:
    'Lists the models in the cache that the Hugging Face tools share, and what an unfinished one lacks.',
  usage: '[options]',
  positionals: [],
  options: { json: flag('print the list as JSON') },
  examples: ['panoptes models', 'panoptes models --json'],
  async run({ options }) {
    const [{ listModels }, { hubSettings }] = await Promise.all([
      import('../hub/models.ts'),
      import('../hub/settings.ts'),
    ])
    const found = await listModels()
    if (options.json) {
      process.stdout.write(`${JSON.stringify(found, null, 2)}\n`)
      return
    }
    if (found.length === 0) {
      const { cacheDir } = hubSettings()
      process.stderr.write(`There are no models in ${cacheDir}. Get one: panoptes pull org/name\n`)
      return
    }
    const rows = found.flatMap((model) =>
      model.revisions.map((revision, i) => [
        i === 0 ? model.id : '',
        revision.refs.join(',') || revision.commit.slice(0, 12),
        bytes(revision.sizeBytes),
        i === 0 ? (model.architecture ?? '') : '',
        i === 0 ? (model.lastUsed?.toISOString().slice(0, 10) ?? '') : '',
        state(revision.missing, model.unfinishedBytes),
      ]),
    )
    const unlisted = found.filter((model) => model.revisions.length === 0)
    for (const model of unlisted)
      rows.push([model.id, '', bytes(model.sizeBytes), '', '', 'unfinished: panoptes pull goes on'])
    const heading = ['MODEL', 'REVISION', 'SIZE', 'ARCHITECTURE', 'LAST USED', 'STATE']
    process.stdout.write(`${printable(table([heading, ...rows], [false, false, true]))}\n`)
  },
})

function state(missing: readonly string[], unfinishedBytes: number): string {
  if (missing.length === 0) return 'complete'
  const more = missing.length > 2 ? ` and ${missing.length - 2} more` : ''
  return `lacks ${missing.slice(0, 2).join(', ')}${more}${unfinishedBytes > 0 ? ' (download begun)' : ''}`
}
