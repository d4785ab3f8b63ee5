import { parseArgs } from 'node:util'
import { decodeImage } from '../src/image/decode.ts'
import { rgbImage } from '../src/image/rgb-image.ts'
import { loadTagger } from '../src/model/load-tagger.ts'

/**
 * `node bench/tagger-true-size.ts --model PATH [--image FILE] [--runs 3]
 * [--precision fp32|int8]`: loads a RAM checkpoint and tags one picture
 * several times, each time with one other pixel; prints seconds by phase and the peak memory as JSON.
 */
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    image: { type: 'string', default: 'examples/street-sign.jpg' },
    runs: { type: 'string', default: '3' },
    precision: { type: 'string', default: 'fp32' },
  },
})
const started = performance.now()
const precision = values.precision === 'int8' ? 'int8' : 'fp32'
const tagger = await loadTagger(values.model!, { precision })
const load = (performance.now() - started) / 1000
const { image } = await decodeImage(values.image)
const runs = []
for (let run = 0; run < Number(values.runs); run++) {
  const data = image.data.slice()
  data[0] = run
  const { seconds, scores } = await tagger.tag(rgbImage(image.width, image.height, data))
  runs.push({ ...seconds, tags: scores.length })
}
const peakMemoryGiB = process.resourceUsage().maxRSS / 2 ** 20
process.stdout.write(`${JSON.stringify({ precision, load, runs, peakMemoryGiB }, undefined, 1)}\n`)
await tagger.dispose()
