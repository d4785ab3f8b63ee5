import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { readJsonFile } from '../src/checkpoint/config.ts'
import { folderSource } from '../src/checkpoint/folder.ts'
import { openCheckpoint } from '../src/checkpoint/open.ts'
import { parseBoxFile } from '../src/detectors/box-file.ts'
import { argmax } from '../src/generate/sampling.ts'
import { decodeImage } from '../src/image/decode.ts'
import { findBeside } from '../src/model/find-beside.ts'
import { chooseEngine } from '../src/runtime/default-engine.ts'
import { type Precision, precisionsOf } from '../src/runtime/precision.ts'
import { diskStore } from '../src/runtime/weight-cache.ts'
import { openSystem } from '../src/systems/registry.ts'

/**
 * `node bench/true-size.ts --model DIR --image FILE [--boxes FILE] [--compress] [--tokens 32] [--precision int8] [--kv-cache int8]`: loads a
 * checkpoint, reads one picture (and its boxes, for systems that are told of objects) and a question, decodes a fixed
 * number of tokens; prints seconds by phase and the peak memory as JSON.
 */
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    image: { type: 'string', default: 'examples/chart-page.png' },
    tokens: { type: 'string', default: '32' },
    precision: { type: 'string', default: 'fp32' },
    boxes: { type: 'string' },
    compress: { type: 'boolean', default: false },
    'kv-cache': { type: 'string', default: 'fp32' },
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
  findModel: (id: string) => findBeside(id, values.model),
}
const system = await openSystem(files, {
  compile: {
    engine: await chooseEngine(),
    device: 'cpu',
    precision: precisionsOf(values.precision as Precision),
    quantised: diskStore(),
    kvCache: values['kv-cache'] as 'fp32' | 'int8',
  },
})
lap('load')
const { image } = await decodeImage(values.image)
const boxes =
  values.boxes === undefined
    ? undefined
    : [parseBoxFile(await readFile(values.boxes, 'utf8'), image, values.boxes)]
const asked = (question: string) =>
  system.prepare({
    pictures: [{ name: values.image, image }],
    question,
    ...(boxes && { boxes }),
    ...(values.compress && { compression: {} }),
  })
const prepared = asked('What is written in the picture?')
lap('prepare')
const state = await system.start(prepared)
Object.assign(seconds, {
  encode: state.timings.encode,
  compress: state.timings.compress,
  prefill: state.timings.prefill,
})
const count = Number(values.tokens)
const steps: number[] = []
for (let i = 0; i < count; i++) {
  const began = performance.now()
  await state.step([argmax(state.logits.data)])
  steps.push((performance.now() - began) / 1000)
}
const decoderTokens = state.length - count
state.dispose()
// Another question about the same picture: its visual tokens and the beginning of its prompt are there.
last = performance.now()
const second = await system.start(asked('Where is that?'))
lap('secondQuestion')
const firstQuestion = seconds.prepare! + seconds.encode! + seconds.compress! + seconds.prefill!
process.stdout.write(
  `${JSON.stringify(
    {
      picture: `${image.width}×${image.height}`,
      tiles: prepared.tileCount,
      promptTokens: prepared.promptIds.length,
      decoderTokens,
      seconds,
      secondsToFirstToken: firstQuestion,
      secondsPerTile: seconds.encode! / prepared.tileCount,
      // The first step may change forms of weights or cache; the others are the speed of an answer.
      firstStepSeconds: steps[0],
      secondsPerToken: steps.slice(1).toSorted((a, b) => a - b)[(count - 1) >> 1],
      secondQuestion: {
        reusedTokens: second.reusedTokens,
        shareOfFirst: seconds.secondQuestion! / firstQuestion,
      },
      peakMemoryGiB: process.resourceUsage().maxRSS / 2 ** 20,
    },
    undefined,
    1,
  )}\n`,
)
await system.dispose()
