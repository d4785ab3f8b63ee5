import { parseArgs } from 'node:util'
import { decodeImage } from '../src/image/decode.ts'
import { loadDetector } from '../src/model/load-detector.ts'

/**
 * `node bench/detector-true-size.ts --model DIR [--image FILE] [--labels "cat, dog"]
 * [--precision fp32|int8]`: loads an OWLv2 checkpoint and
 * detects twice in one picture, the second time with other labels; prints seconds by phase and the peak memory as JSON.
 */
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    image: { type: 'string', default: 'examples/street-sign.jpg' },
    precision: { type: 'string', default: 'fp32' },
    labels: { type: 'string', default: 'sign, car, shop, bus, tree, person, cat, red umbrella, dog, bench' },
  },
})
const started = performance.now()
const lap = (since: number): number => Math.round(performance.now() - since) / 1000
const detector = await loadDetector(values.model!, {
  precision: values.precision === 'int8' ? 'int8' : 'fp32',
})
const load = lap(started)
const { image } = await decodeImage(values.image)
const labels = values.labels.split(',')
const first = await detector.detect(image, labels, { threshold: 0 })
const again = performance.now()
await detector.detect(image, [...labels, 'clock'], { threshold: 0 })
const report = {
  precision: values.precision,
  picture: `${image.width}×${image.height}`,
  labels: labels.length,
  boxes: first.detections.length,
  seconds: { load, ...first.seconds, otherLabels: lap(again) },
  cpuSeconds: process.resourceUsage().userCPUTime / 1e6,
  peakMemoryGiB: process.resourceUsage().maxRSS / 2 ** 20,
}
process.stdout.write(`${JSON.stringify(report, undefined, 1)}\n`)
await detector.dispose()
