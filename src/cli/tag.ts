import type { NodeTagger } from '../model/load-tagger.ts'
import { defineCommand } from './command.ts'
import { interruptSignal, whenAborted } from './interrupt.ts'
import { choice, flag, number, text, texts, wholeNumber } from './option.ts'
import { runProgress } from './run-progress.ts'
import { statusLine } from './status-line.ts'
import { UsageError } from './usage-error.ts'
import { printable, table } from './words.ts'

export const tag = defineCommand({
  name: 'tag',
  description:
    'Names what is in a picture, with a RAM or RAM++ checkpoint: tags and their probabilities, the most probable ' +
    'first. The checkpoint does not hold the names of its tags: they are read from ram_tag_list.txt beside it or in ' +
    '~/.cache/panoptes/ram, and their thresholds from ram_tag_list_threshold.txt.',
  usage: 'IMAGE --model MODEL [options]',
  positionals: [{ name: 'IMAGE', help: 'a picture file' }],
  options: {
    model: text(
      'MODEL',
      'a .pth or .safetensors file, the folder that holds it, or a hub id that was pulled',
    ),
    threshold: number('P', 'give tags above this probability, in place of their own thresholds', 0, 1),
    only: texts('TAG', 'look for this tag of the list and no others'),
    tagList: text('FILE', 'the names of the tags, one a line'),
    thresholds: text('FILE', 'the thresholds of the tags, one a line'),
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
  },
  examples: [
    'panoptes tag examples/street-sign.jpg --model tests/fixtures/ram',
    'panoptes tag examples/street-sign.jpg --model tests/fixtures/ram/ram_plus_tiny.pth --threshold 0.2 --json',
    'panoptes tag examples/street-sign.jpg --model tests/fixtures/ram --only sky --only "Traffic light"',
  ],
  async run({ words, options }) {
    const { model, threshold, only, json } = options
    if (model === undefined)
      throw new UsageError(
        'No model is named. Give --model with a RAM or RAM++ checkpoint (ram_plus_swin_large_14m.pth of ' +
          'xinyu1205/recognize-anything-plus-model on the hub).',
      )
    const path = words[0]!
    const status = statusLine(process.stderr, options.quiet)
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
      const { tagList, thresholds, device, threads, precision, visualCache: visualCacheDir } = options
      const compile = { device, threads, precision }
      const loading = loadTagger(model, { tagList, thresholds, visualCacheDir, onEvent, ...compile })
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
