import { parseArgs } from 'node:util'
import { readJsonFile } from '../src/checkpoint/config.ts'
import { folderSource } from '../src/checkpoint/folder.ts'
import { openCheckpoint } from '../src/checkpoint/open.ts'
import { argmax } from '../src/generate/sampling.ts'
import { decodeImage } from '../src/image/decode.ts'
import { chooseEngine } from '../src/runtime/default-engine.ts'
import { type Precision, precisionsOf } from '../src/runtime/precision.ts'
import { diskStore } from '../src/runtime/weight-cache.ts'
import { openSystem } from '../src/systems/registry.ts'

/**
 * `node bench/event-loop.ts --model DIR [--image FILE] [--tokens 16] [--precision int8] [--kv-cache int8]`: how late a
 * 5 ms timer of the same process is in each phase of an answer, and the longest that the main thread computed between
 * two ticks, in milliseconds. Lateness without computing is that of a machine on which others run. Needs Node 24.
 */
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    image: { type: 'string', default: 'examples/chart-page.png' },
    tokens: { type: 'string', default: '16' },
    precision: { type: 'string', default: 'fp32' },
    'kv-cache': { type: 'string', default: 'fp32' },
    engine: { type: 'string' },
  },
})

const period = 5
const late: Record<string, number> = {}
const busy: Record<string, number> = {}
let phase = 'checkpoint'
let before = { time: performance.now(), computed: computedMs() }
let timer = setTimeout(tick, period)

function tick(): void {
  const now = { time: performance.now(), computed: computedMs() }
  late[phase] = Math.max(late[phase] ?? 0, Math.round(now.time - before.time - period))
  busy[phase] = Math.max(busy[phase] ?? 0, Math.round(now.computed - before.computed))
  before = now
  timer = setTimeout(tick, period)
}

/** Processor time of the main thread. */
function computedMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

const source = await folderSource(values.model!)
const checkpoint = await openCheckpoint(source)
const files = { source, checkpoint, config: await readJsonFile(source, 'config.json') }
phase = 'load'
const engine = await chooseEngine(values.engine)
const system = await openSystem(files, {
  compile: {
    engine,
    device: 'cpu',
    precision: precisionsOf(values.precision as Precision),
    kvCache: values['kv-cache'] as 'fp32' | 'int8',
    quantised: diskStore(),
  },
})
phase = 'picture'
const { image } = await decodeImage(values.image)
phase = 'prepare'
const question = 'What is written in the picture?'
const prepared = system.prepare({ pictures: [{ name: values.image, image }], question })
const state = await system.start(prepared, {
  onEvent: (event) => {
    phase = event.phase
  },
})
phase = 'decoding'
const tokenMs: number[] = []
for (let i = 0; i < Number(values.tokens); i++) {
  const started = performance.now()
  await state.step([argmax(state.logits.data)])
  tokenMs.push(Math.round(performance.now() - started))
}
phase = 'dispose'
const { timings, length } = state
await system.dispose()
clearTimeout(timer)
const report = { engine: engine.name, tiles: prepared.tileCount, length, timings, tokenMs, late, busy }
process.stdout.write(`${JSON.stringify(report, undefined, 1)}\n`)
