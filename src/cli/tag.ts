import type { NodeTagger, OpenTagChoice } from '../model/load-tagger.ts'
import { InputError } from '../tensor/errors.ts'
import { defineCommand } from './command.ts'
import { interruptSignal, whenAborted } from './interrupt.ts'
import { choice, flag, grouped, number, text, texts, type Values, wholeNumber } from './option.ts'
import { runProgress } from './run-progress.ts'
import { statusLine } from './status-line.ts'
import { UsageError } from './usage-error.ts'
import { printable, table } from './words.ts'

const options = {
  model: text('MODEL', 'a .pth or .safetensors file, the folder that holds it, or a hub id that was pulled'),
  threshold: number('P', 'give tags above this probability, in place of their own thresholds', 0, 1),
  only: texts('TAG', 'look for this tag of the list and no others'),
  tagList: text('FILE', 'the names of the tags, one a line'),
  thresholds: text('FILE', 'the thresholds of the tags, one a line'),
  ...grouped('Tags of your own', {
    openTags: text('LIST', 'look for these in place of the list, with commas between: "forklift, hard hat"'),
    descriptions: text(
      'FILE',
      'JSON of what each looks like, { "tag": ["a sentence", …] }, in place of a list',
    ),
    textModel: text('CLIP', 'the CLIP model that reads them (default openai/clip-vit-base-patch16)'),
  }),
  device: choice('DEVICE', ['cpu', 'webgpu', 'cuda'], 'where it runs (default cpu)'),
  threads: wholeNumber('N', 'threads of one operator (default all cores)', 1, 1024),
  precision: choice(
    'PRECISION',
    ['fp32', 'int8'],
    'how weights are multiplied (default fp32): int8 is faster',
  ),
  visualCache: text('DIR', 'keep scores in this folder: a picture that was seen is not looked at again'),
  json: flag('print tags, probabilities, thresholds and timings as JSON'),
  quiet: flag('no progress; warnings and errors remain'),
}

export const tag = defineCommand({
  name: 'tag',
  description:
    'Names what is in a picture, with a RAM or RAM++ checkpoint: tags and their probabilities, the most probable ' +
    'first. The checkpoint does not hold the names of its tags: they are read from ram_tag_list.txt beside it or in ' +
    '~/.cache/panoptes/ram, and their thresholds from ram_tag_list_threshold.txt.',
  usage: 'IMAGE --model MODEL [options]',
  positionals: [{ name: 'IMAGE', help: 'a picture file' }],
  options,
  examples: [
    'panoptes tag examples/street-sign.jpg --model tests/fixtures/ram',
    'panoptes tag examples/street-sign.jpg --model tests/fixtures/ram/ram_plus_tiny.pth --threshold 0.2 --json',
    'panoptes tag examples/street-sign.jpg --model tests/fixtures/ram --only sky --only "Traffic light"',
    'panoptes tag examples/street-sign.jpg --model tests/fixtures/ram --open-tags "fox, green sign" --text-model tests/fixtures/clip --threshold 0',
  ],
  async run({ words, options: flags }) {
    const { model, threshold, only, json } = flags
    const named = namedTags(flags)
    if (model === undefined)
      throw new UsageError(
        'No model is named. Give --model with a RAM or RAM++ checkpoint (ram_plus_swin_large_14m.pth of ' +
          'xinyu1205/recognize-anything-plus-model on the hub).',
      )
    const path = words[0]!
    const status = statusLine(process.stderr, flags.quiet)
    const onEvent = runProgress(status, false)
    const { signal, release } = interruptSignal()
    let tagger: NodeTagger | undefined
    try {
      const [{ decodeImage }, { loadTagger }] = await Promise.all([
        import('../image/decode.ts'),
        import('../model/load-tagger.ts'),
      ])
      // Before the model: with a wrong path, nobody waits for weights.
      const { image } = await decodeImage(path)
      const { tagList, thresholds, device, threads, precision, visualCache: visualCacheDir } = flags
      const compile = { device, threads, precision }
      const lists = { tagList, thresholds, openTags: named && (await readTags(named)) }
      const loading = loadTagger(model, { ...lists, visualCacheDir, onEvent, ...compile })
      tagger = await Promise.race([loading, whenAborted(signal)])
      const { tags, scores, ...rest } = await tagger.tag(image, { threshold, only, signal, onEvent })
      status.clear()
      const sorted = tags.toSorted((a, b) => b.score - a.score)
      if (json) {
        process.stdout.write(`${JSON.stringify({ picture: path, tags: sorted, ...rest }, null, 2)}\n`)
        return
      }
      if (sorted.length > 0) {
        const rows = sorted.map(({ tag, score }) => [tag, score.toFixed(3)])
        process.stdout.write(`${printable(table(rows, [false, true]))}\n`)
        return
      }
      const best = scores.reduce((a, b) => (b.score > a.score ? b : a))
      status.note(
        `no tag lies above its threshold; the most probable is ${best.tag} ` +
          `(${best.score.toFixed(3)}, threshold ${best.threshold})`,
      )
    } finally {
      release()
      status.clear()
      if (!signal.aborted) await tagger?.dispose()
    }
  },
})

/** What the flags say about tags of one's own; undefined where they say nothing. @throws UsageError */
function namedTags({ openTags, descriptions, textModel, only, tagList, thresholds }: Values<typeof options>) {
  if (openTags === undefined && descriptions === undefined) {
    if (textModel === undefined) return undefined
    throw new UsageError('--text-model has no effect without --open-tags or --descriptions. Leave it out.')
  }
  if (openTags !== undefined && descriptions !== undefined)
    throw new UsageError('--open-tags and --descriptions exclude each other. Leave one of them out.')
  if ((only ?? tagList ?? thresholds) !== undefined)
    throw new UsageError(
      '--only, --tag-list and --thresholds belong to the checkpoint’s own list. Leave them out.',
    )
  const names = openTags?.split(',').map((name) => name.trim())
  if (names?.includes(''))
    throw new UsageError(`--open-tags "${openTags}" has an empty tag. Remove the comma, or name a tag.`)
  return { names, descriptions, textModel: textModel ?? 'openai/clip-vit-base-patch16' }
}

/** The tags with what each looks like. @throws InputError */
async function readTags({
  names,
  descriptions,
  textModel,
}: NonNullable<ReturnType<typeof namedTags>>): Promise<OpenTagChoice> {
  if (names) return { tags: names.map((name) => ({ name })), textModel }
  const [{ readFile }, { parseDescriptions }] = await Promise.all([
    import('node:fs/promises'),
    import('../detectors/open-tags.ts'),
  ])
  const text = await readFile(descriptions!, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'it does not exist' : (error.code ?? error.message)
    throw new InputError('list-unreadable', `${descriptions} cannot be read: ${why}.`, {}, error)
  })
  return { tags: parseDescriptions(text, descriptions), textModel }
}
