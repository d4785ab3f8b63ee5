import { basename } from 'node:path'
import type { Detection, DetectResult } from '../detectors/detector.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import type { NodeDetector } from '../model/load-detector.ts'
import { defineCommand } from './command.ts'
import { checkDrawingPath, writeDrawing } from './drawing-file.ts'
import { interruptSignal, whenAborted } from './interrupt.ts'
import { choice, flag, number, text, type Values, wholeNumber } from './option.ts'
import { inFlagWords } from './option-errors.ts'
import { runProgress } from './run-progress.ts'
import { statusLine } from './status-line.ts'
import { UsageError } from './usage-error.ts'
import { printable, table } from './words.ts'

const options = {
  labels: text('LIST', 'what to look for, with commas between: "cat, red umbrella"'),
  queryImage: text('FILE', 'look for what this picture shows, in place of words'),
  model: text('MODEL', 'an OWLv2 folder in its published layout, or a hub id that was pulled'),
  threshold: number('P', 'give boxes above this score (default 0.1; 0.6 with --query-image)', 0, 1),
  nms: number(
    'IOU',
    'leave out boxes that overlap a surer one of the same label by more (default: all are given; 0.3 with --query-image)',
    0,
    1,
  ),
  out: text('PNG', 'draw the picture with the boxes into this file'),
  prompt: text('TEXT', 'what is asked for a label, such as "a photo of {label}" (default the label alone)'),
  longLabels: choice(
    'WAY',
    ['refuse', 'cut'],
    'what becomes of labels longer than the model reads (default refuse)',
  ),
  padding: number(
    'V',
    'grey that squares the picture, 0 to 1 (default 0.5; 0 as in the original training)',
    0,
    1,
  ),
  visualCache: text(
    'DIR',
    'keep what was seen in this folder: a picture that was seen is not looked at again',
  ),
  device: choice('DEVICE', ['cpu', 'webgpu', 'cuda'], 'where it runs (default cpu)'),
  threads: wholeNumber('N', 'threads of one operator (default all cores)', 1, 1024),
  precision: choice(
    'PRECISION',
    ['fp32', 'int8'],
    'how weights are multiplied (default fp32): int8 is faster',
  ),
  json: flag('print boxes in pixels of the picture, labels, scores and timings as JSON'),
  quiet: flag('no progress; warnings and errors remain'),
}

export const detect = defineCommand({
  name: 'detect',
  description:
    'Finds in a picture what words describe, or what another picture shows, with an OWLv2 checkpoint: labels, scores ' +
    'and boxes, the surest first. A label may have some 14 tokens: a few words. With --out also a drawing.',
  usage: 'IMAGE --labels LIST --model MODEL [options]',
  positionals: [{ name: 'IMAGE', help: 'a picture file' }],
  options,
  examples: [
    'panoptes detect examples/street-sign.jpg --labels "sign, red car" --model tests/fixtures/owlv2',
    'panoptes detect examples/street-sign.jpg --labels "sign, car" --model tests/fixtures/owlv2 --threshold 0.3 --nms 0.5 --out boxes.png --json',
    'panoptes detect examples/street-sign.jpg --query-image examples/receipt.jpg --model tests/fixtures/owlv2',
  ],
  async run({ words, options: flags }) {
    const path = words[0]!
    const { model, queryImage, out } = flags
    const labels = labelsOf(flags)
    if (out !== undefined) checkDrawingPath(out, path)
    if (model === undefined)
      throw new UsageError(
        'No model is named. Give --model with an OWLv2 checkpoint (google/owlv2-base-patch16-ensemble on the hub).',
      )
    const status = statusLine(process.stderr, flags.quiet)
    const onEvent = runProgress(status, false)
    const { signal, release } = interruptSignal()
    let detector: NodeDetector | undefined
    try {
      const [{ decodeImage }, { loadDetector }] = await Promise.all([
        import('../image/decode.ts'),
        import('../model/load-detector.ts'),
      ])
      // Before the model: with a wrong path, nobody waits for weights.
      const { image } = await decodeImage(path)
      const query = queryImage === undefined ? undefined : (await decodeImage(queryImage)).image
      const { device, threads, precision, padding, threshold, nms: overlap, prompt, longLabels } = flags
      const { visualCache: visualCacheDir } = flags
      const loading = loadDetector(model, {
        device,
        threads,
        precision,
        padding,
        visualCacheDir,
        onEvent,
      })
      const loaded = await Promise.race([loading, whenAborted(signal)])
      detector = loaded
      const ask = { threshold, overlap, signal, onEvent }
      const result = await inFlagWords(() =>
        query
          ? loaded.detectSimilar(image, query, { ...ask, label: `like ${basename(queryImage!)}` })
          : loaded.detect(image, labels, { ...ask, prompt, longLabels }),
      )
      status.clear()
      const detections = result.detections.toSorted((a, b) => b.score - a.score)
      if (out !== undefined) await writeDrawing(out, await drawing(image, detections))
      if (flags.json) {
        const { seconds } = result
        const report = { picture: path, detections, seconds, ...(out && { out }) }
        process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
        return
      }
      if (detections.length > 0) process.stdout.write(`${printable(detectionTable(detections))}\n`)
      else status.note(nothingFound(result))
      if (out !== undefined) process.stdout.write(`drawn to ${printable(out)}\n`)
    } finally {
      release()
      status.clear()
      if (!signal.aborted) await detector?.dispose()
    }
  },
})

/** The labels between the commas. @throws UsageError unless there is exactly one of labels and a query picture. */
function labelsOf({ labels, queryImage, prompt, longLabels }: Values<typeof options>): string[] {
  if (queryImage !== undefined) {
    if (labels !== undefined)
      throw new UsageError('--labels and --query-image exclude each other. Leave one of them out.')
    if (prompt !== undefined || longLabels !== undefined)
      throw new UsageError('--prompt and --long-labels have no effect with --query-image. Leave them out.')
    return []
  }
  if (labels === undefined || labels.trim() === '')
    throw new UsageError(
      'Nothing is named to look for. Give --labels "cat, red umbrella", or --query-image FILE.',
    )
  const list = labels.split(',').map((label) => label.trim())
  const empty = list.indexOf('')
  if (empty < 0) return list
  throw new UsageError(
    `Label ${empty + 1} of --labels "${labels}" is empty. Remove the comma, or say what to look for.`,
  )
}

async function drawing(image: RgbImage, detections: readonly Detection[]): Promise<Uint8Array> {
  const [{ drawBoxes }, { encodePng }] = await Promise.all([
    import('../image/box-overlay.ts'),
    import('../image/encode.ts'),
  ])
  return encodePng(await drawBoxes(image, detections))
}

/** A line for each box: its label, its score, its edges in whole pixels. */
function detectionTable(detections: readonly Detection[]): string {
  const rows = detections.map(({ label, score, box }) => [
    label,
    score.toFixed(3),
    ...box.map((edge) => String(Math.round(edge))),
  ])
  const heading = ['LABEL', 'SCORE', 'LEFT', 'TOP', 'RIGHT', 'BOTTOM']
  return table([heading, ...rows], [false, true, true, true, true, true])
}

function nothingFound({ surest: { label, score } }: DetectResult): string {
  return `no box lies above the threshold; the surest is ${label} (${score.toFixed(3)}): try --threshold`
}
