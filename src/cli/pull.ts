import type { PullEvent } from '../hub/pull.ts'
import { selectionRule } from '../hub/select.ts'
import { defineCommand } from './command.ts'
import { flag, text, texts, wholeNumber } from './option.ts'
import { type StatusLine, statusLine } from './status-line.ts'
import { bytes, duration, plural } from './words.ts'

export const pull = defineCommand({
  name: 'pull',
  description:
    'Downloads a model into the cache that the Hugging Face tools share, and prints its folder. May be ' +
    `stopped at any moment; the next pull goes on. ${selectionRule}`,
  usage: 'HUB_ID [options]',
  positionals: [{ name: 'HUB_ID', help: 'org/name or org/name@revision' }],
  options: {
    revision: text('REF', 'a branch, tag or commit (default main)'),
    include: texts('PATTERN', 'take the files that match, in place of the rule above'),
    exclude: texts('PATTERN', 'leave out the files that match'),
    verify: flag('check the files in the cache against their checksums'),
    parallel: wholeNumber('N', 'files that arrive side by side (default 4)', 1, 32),
    json: flag('print what was pulled as JSON'),
    quiet: flag('no progress; warnings and errors remain'),
  },
  examples: [
    'panoptes pull OpenGVLab/InternVL2-2B',
    "panoptes pull OpenGVLab/InternVL2-2B --revision main --include '*.json'",
  ],
  async run({ words, options }) {
    const { pullModel } = await import('../hub/pull.ts')
    const { revision, include, exclude, verify, parallel, quiet } = options
    const status = statusLine(process.stderr, quiet)
    try {
      const name = words[0]!
      status.show('asking', `asking the hub for ${name}`)
      const onEvent = pullProgress(status)
      const pulled = await pullModel(name, { revision, include, exclude, verify, parallel, onEvent })
      status.clear()
      process.stdout.write(`${options.json ? JSON.stringify(pulled, null, 2) : pulled.folder}\n`)
    } finally {
      status.clear()
    }
  },
})

function pullProgress(status: StatusLine): (event: PullEvent) => void {
  return (event) => {
    switch (event.type) {
      case 'listed': {
        const { files, skippedFiles, totalBytes, neededBytes } = event
        const skipped = skippedFiles > 0 ? ` (${skippedFiles} left out)` : ''
        const needed = neededBytes < totalBytes ? `, ${bytes(neededBytes)} to download` : ''
        return status.show('listed', `${plural(files, 'file')}${skipped}, ${bytes(totalBytes)}${needed}`)
      }
      case 'progress': {
        const { file, doneBytes, totalBytes, bytesPerSecond } = event
        const left = bytesPerSecond > 0 ? (totalBytes - doneBytes) / bytesPerSecond : 0
        const pace = bytesPerSecond > 0 ? `, ${bytes(bytesPerSecond)}/s` : ''
        const rest = left > 1 ? `, ${duration(left)} left` : ''
        return status.show(
          'progress',
          `${bytes(doneBytes)} of ${bytes(totalBytes)}${pace}${rest}  ${file}`,
          'downloading',
        )
      }
      case 'retry':
        return status.note(
          `${event.what}: ${event.reason}; trying again in ${duration(event.delayMs / 1000)}`,
        )
      case 'restart':
        return status.note(`${event.file} is downloaded from its beginning: ${event.reason}`)
      case 'waiting':
        return status.note(`another process downloads ${event.file}; waiting for it`)
      case 'file-done':
        return
    }
  }
}
