import { parseArgs } from 'node:util'
import { readJsonFile } from '../src/checkpoint/config.ts'
import { folderSource } from '../src/checkpoint/folder.ts'
import { openCheckpoint } from '../src/checkpoint/open.ts'
import { decodeImage } from '../src/image/decode.ts'
import { chooseEngine } from '../src/runtime/default-engine.ts'
import { type Precision, precisionsOf } from '../src/runtime/precision.ts'
import { diskStore } from '../src/runtime/weight-cache.ts'
import { openSystem } from '../src/systems/registry.ts'

/**
 * `node bench/true-size.ts --model DIR --image FILE [--compress] [--tokens 32] [--precision int8]`: loads a checkpoint, reads one picture
 * and a question, decodes a fixed number of tokens; prints seconds by phase and the peak memory as JSON.
 */
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    image: { type: 'string', default: 'examples/chart-page.png' },
    tokens: { type: 'string', default: '32' },
    precision: { type: 'string', default: 'fp32' },
    compress: { type: 'boolean', default: false },
  },
})
const seconds: Record<string, number> = {}
let last = performance.now()
const lap = (name: string): void => {
  const now = performance.now()
  seconds[name] = Math.round(now - last) / 1000
  last = now
}

const source = await folderSource(values.model!)
const files = {
  source,
  checkpoint: await openCheckpoint(source),
  config: await readJsonFile(source, 'config.json'),
}
const system = await openSystem(files, {
  compile: {
    engine: await chooseEngine(),
    device: 'cpu',
    precision: precisionsOf(values.precision as Precision),
    quantised: diskStore(),
  },
})
lap('load')
const { image } = await decodeImage(values.image)
const prepared = system.prepare({
  pictures: [{ name: values.image, image }],
  question: 'What is written in the picture?',
  ...(values.compress && { compression: {} }),
})
lap('prepare')
const state = await system.start(prepared)
Object.assign(seconds, {
  encode: state.timings.encode,
  compress: state.timings.compress,
  prefill: state.timings.prefill,
})
last = performance.now()
const count = Number(values.tokens)
for (let i = 0; i < count; i++) {
  const logits = state.logits.data
  await state.step([logits.indexOf(logits.reduce((most, x) => Math.max(most, x)))])
}
lap('decode')
process.stdout.write(
  `${JSON.stringify(
    {
      picture: `${image.width}×${image.height}`,
      tiles: prepared.tileCount,
      promptTokens: prepared.promptIds.length,
      decoderTokens: state.length - count,
      seconds,
      secondsPerTile: seconds.encode! / prepared.tileCount,
      secondsPerToken: seconds.decode! / count,
      peakMemoryGiB: process.resourceUsage().maxRSS / 2 ** 20,
    },
    undefined,
    1,
  )}\n`,
)
await system.dispose()
